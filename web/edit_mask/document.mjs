// The edit that is worked on: its strokes with their history, and the mask that they give.
import { LiveBrush, drawStroke } from "./raster.mjs"

/** @typedef {import("./strokes.mjs").Stroke} Stroke */
/** @typedef {import("./raster.mjs").Mask} Mask */
/** @typedef {import("./lines.mjs").Box} Box */
/** @typedef {import("./smart.mjs").Picture} Picture */

const KEPT_EVERY = 16

export class MaskDocument {
  constructor() {
    /** @type {Stroke[]} */
    this.strokes = []
    /** @type {Stroke[][]} */
    this.past = []
    /** @type {Stroke[][]} */
    this.future = []
    /** The automatic mask. @type {Mask} */
    this.base = { width: 1, height: 1, values: new Float32Array(1) }
    /** The photo, of the mask's size. @type {Picture | null} */
    this.picture = null
    /** With all strokes. @type {Mask} */
    this.done = copyOf(this.base)
    /** With the stroke that is being drawn, too. @type {Mask} */
    this.shown = copyOf(this.base)
    /** Masks after some of the strokes. @type {{count: number, last: Stroke, values: Float32Array}[]} */
    this.kept = []
  }

  /**
   * Takes another automatic mask and picture, of another size perhaps, and replays the strokes over it.
   * @param {Mask} base
   * @param {Picture | null} picture of the same size
   */
  setBase(base, picture) {
    this.base = base
    this.picture = picture
    this.kept = []
    this.done = copyOf(base)
    this.shown = copyOf(base)
    this.replay()
  }

  /**
   * Takes the strokes of a text; what was done before cannot be undone any more.
   * @param {Stroke[]} strokes
   */
  load(strokes) {
    this.strokes = strokes
    this.past = []
    this.future = []
    this.replay()
  }

  /**
   * @param {Stroke} stroke
   * @returns {Box | null} what has changed
   */
  add(stroke) {
    this.past.push(this.strokes)
    this.future = []
    this.strokes = [...this.strokes, stroke]
    const box = drawStroke(this.done, stroke, this.picture)
    this.keep(this.strokes.length)
    this.showDone(box)
    return box
  }

  /** Forgets all strokes; this can be undone. */
  reset() {
    if (!this.strokes.length) return
    this.past.push(this.strokes)
    this.future = []
    this.strokes = []
    this.replay()
  }

  /** @returns {boolean} whether there was something to undo */
  undo() {
    return this.step(this.past, this.future)
  }

  /** @returns {boolean} whether there was something to redo */
  redo() {
    return this.step(this.future, this.past)
  }

  /**
   * @param {Stroke[][]} from
   * @param {Stroke[][]} to
   */
  step(from, to) {
    const strokes = from.pop()
    if (!strokes) return false
    to.push(this.strokes)
    this.strokes = strokes
    this.replay()
    return true
  }

  /** Draws the strokes again, from the last kept mask on that they have in common with what was drawn. */
  replay() {
    const { strokes } = this
    const known = this.kept.filter(({ count, last }) => strokes[count - 1] === last)
    const start = known.at(-1) ?? { count: 0, values: this.base.values }
    this.done.values.set(start.values)
    for (let count = start.count; count < strokes.length; count++) {
      drawStroke(this.done, strokes[count], this.picture)
      this.keep(count + 1)
    }
    this.shown.values.set(this.done.values)
  }

  /** @param {number} count of strokes that are drawn */
  keep(count) {
    if (count % KEPT_EVERY) return
    const last = this.strokes[count - 1]
    this.kept = this.kept.filter((one) => one.count !== count)
    this.kept.push({ count, last, values: this.done.values.slice() })
    this.kept.sort((one, other) => one.count - other.count)
  }

  /**
   * A brush whose line grows in what is shown, until a stroke is added or `drop` is called.
   * @param {Stroke} stroke
   */
  liveBrush(stroke) {
    return new LiveBrush(this.done, this.shown, stroke)
  }

  /**
   * Shows the mask without a stroke that was being drawn.
   * @param {Box | null} box where that stroke was
   */
  drop(box) {
    this.showDone(box)
  }

  /** @param {Box | null} box */
  showDone(box) {
    if (!box) return
    for (let row = box.y0; row < box.y1; row++) {
      const start = row * this.done.width
      this.shown.values.set(this.done.values.subarray(start + box.x0, start + box.x1), start + box.x0)
    }
  }
}

/** @param {Mask} mask */
function copyOf(mask) {
  return { ...mask, values: mask.values.slice() }
}
