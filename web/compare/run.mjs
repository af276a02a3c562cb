// What a run has sent: its numbers, its outlines, and its pictures frame by frame.
import { loadPicture, viewUrl } from "../shared/pictures.mjs"
import { NEED_B, NEED_MASK, amplifyDifference, isOpaque, onCheckerboard, overlayMask } from "./views.mjs"

/** @typedef {import("./views.mjs").Pixels} Pixels */
/** @typedef {import("./views.mjs").Box} Box */
/** @typedef {"a" | "b" | "mask" | "garments"} Name */
/** @typedef {{view: string, opacity: number, colour: [number, number, number], gain: number}} Look */
/** What can be drawn on a canvas. @typedef {HTMLImageElement | HTMLCanvasElement} Drawable */

/** @type {Name[]} */
const NAMES = ["a", "b", "mask", "garments"]
// Decoded frames take memory: A and B of 2048 px are 16 MB each, and so is each painted view.
const KEPT_FRAMES = 3

export class Run {
  /**
   * @param {any} sent the node's own part of its output
   * @param {any} api
   */
  constructor(sent, api) {
    this.report = JSON.parse(sent.report)
    this.outlines = JSON.parse(sent.outlines)
    /** @type {Record<string, any[]>} */
    this.files = sent.pictures
    this.api = api
    this.count = this.report.batch
    /** @type {Map<number, Promise<Frame>>} */
    this.frames = new Map()
  }

  /**
   * One of the pictures with all that belongs to it. Rejects where its files are gone.
   * @param {number} index
   */
  frame(index) {
    const known = this.frames.get(index) ?? this.load(index)
    this.frames.delete(index)
    this.frames.set(index, known)
    if (this.frames.size > KEPT_FRAMES) this.frames.delete(/** @type {number} */ (this.frames.keys().next().value))
    return known
  }

  /** @param {number} index */
  async load(index) {
    const pictures = await Promise.all(
      NAMES.map(async (name) => {
        const file = ofBatch(this.files[name], index)
        return /** @type {const} */ ([name, file ? await loadPicture(viewUrl(file, this.api)) : null])
      }),
    )
    const { report, outlines } = this
    return new Frame(Object.fromEntries(pictures), {
      ...report,
      ...report.pictures[index],
      outline: ofBatch(outlines.mask, index) ?? [],
      outlines: ofBatch(outlines.garments, index) ?? [],
      unit: outlines.unit,
      legend: outlines.legend,
    })
  }
}

export class Frame {
  /**
   * @param {Partial<Record<Name, HTMLImageElement | null>>} pictures
   * @param {any} facts what is known of this picture: the report's numbers, outlines, legend
   */
  constructor(pictures, facts) {
    this.pictures = pictures
    this.facts = facts
    const first = /** @type {HTMLImageElement} */ (pictures.a)
    this.width = first.naturalWidth
    this.height = first.naturalHeight
    /** @type {Partial<Record<Name, Pixels>>} */
    this.known = {}
    /** Views that are painted, by what makes them what they are. @type {Map<string, Drawable>} */
    this.painted = new Map()
  }

  /**
   * The pixels of a picture; null where there is none.
   * @param {Name} name
   * @returns {Pixels | null}
   */
  pixels(name) {
    const picture = this.pictures[name]
    if (!picture) return null
    return (this.known[name] ??= readPixels(picture, this.width, this.height))
  }

  /**
   * What a view shows in place of A (or, of the slider and side by side, as A); A where it lacks what it needs.
   * @param {Look} look
   * @returns {Drawable}
   */
  show(look) {
    const { view } = look
    if (NEED_MASK.includes(view) && this.pictures.mask) return this.showMask(look)
    if (view === "difference" && this.pictures.b) {
      return this.paint(`difference ${look.gain}`, () => {
        const [first, second] = [this.need("a"), this.need("b")]
        return amplifyDifference(first, second, look.gain, this.reach)
      })
    }
    return this.solid(view === "B" && this.pictures.b ? "b" : "a")
  }

  /**
   * A or B as it looks on the checkerboard, if one sees through it.
   * @param {"a" | "b"} name
   * @returns {Drawable}
   */
  solid(name) {
    return this.paint(name, () => {
      const pixels = this.need(name)
      return isOpaque(pixels) ? pixels : onCheckerboard(pixels)
    })
  }

  /** @param {Look} look */
  showMask({ view, colour, opacity }) {
    if (view === "matte") return /** @type {HTMLImageElement} */ (this.pictures.mask)
    const mask = this.need("mask")
    if (view === "checkerboard") return this.paint(view, () => onCheckerboard(this.need("a"), mask))
    return this.paint(`overlay ${colour} ${opacity}`, () => {
      const pixels = this.need("a")
      return overlayMask(isOpaque(pixels) ? pixels : onCheckerboard(pixels), mask, colour, opacity)
    })
  }

  /** Whether there is what the view needs. @param {string} view */
  has(view) {
    return !(NEED_B.includes(view) && !this.pictures.b) && !(NEED_MASK.includes(view) && !this.pictures.mask)
  }

  /** Where B lies, in pixels of what was sent. @returns {Box | null} */
  get reach() {
    const { reach_b: reach, width, height } = this.facts
    if (!reach) return null
    const scales = [this.width / width, this.height / height]
    return /** @type {Box} */ (reach.map((/** @type {number} */ edge, /** @type {number} */ at) =>
      Math.floor(edge * scales[at % 2] + 0.5),
    ))
  }

  /** @param {Name} name */
  need(name) {
    const pixels = this.pixels(name)
    if (!pixels) throw new Error(`there is no picture ${name}`)
    return pixels
  }

  /**
   * A painted view as a canvas, painted once; of views with a setting only the latest is kept.
   * @param {string} key
   * @param {() => Pixels} make
   */
  paint(key, make) {
    const known = this.painted.get(key)
    if (known) return known
    const kind = key.split(" ")[0]
    for (const other of this.painted.keys()) if (other.split(" ")[0] === kind) this.painted.delete(other)
    const { width, height, data } = make()
    const canvas = Object.assign(document.createElement("canvas"), { width, height })
    const pixels = /** @type {Uint8ClampedArray<ArrayBuffer>} */ (data)
    canvas.getContext("2d")?.putImageData(new ImageData(pixels, width, height), 0, 0)
    this.painted.set(key, canvas)
    return canvas
  }
}

/**
 * An entry of a batch; a batch of one counts for every picture.
 * @param {any[] | undefined} batch
 * @param {number} index
 */
function ofBatch(batch, index) {
  return batch?.[batch.length > 1 ? index : 0]
}

/**
 * @param {HTMLImageElement} picture
 * @param {number} width
 * @param {number} height
 */
function readPixels(picture, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height })
  const context = canvas.getContext("2d", { willReadFrequently: true })
  if (!context) throw new Error("the browser has no 2D canvas")
  context.imageSmoothingEnabled = false // numbers of garments must stay such
  context.drawImage(picture, 0, 0, width, height)
  return context.getImageData(0, 0, width, height)
}
