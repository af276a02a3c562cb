// The canvas: the view's picture, zoomed and panned; over it outlines, names, captions, the slider and the pointer.
import { fill } from "../shared/texts.mjs"
import { Viewport } from "../shared/viewport.mjs"
import { COLOURS } from "./views.mjs"

/** @typedef {import("../shared/viewport.mjs").Area} Area */
/** @typedef {import("../shared/viewport.mjs").Point} Point */
/** @typedef {import("./run.mjs").Frame} Frame */
/** @typedef {import("./run.mjs").Drawable} Drawable */
/** @typedef {import("./texts.mjs").Texts} Texts */
/** cursor: of the picture. named: the number of the garment under it, from 0 on. words: to write beside the cursor.
 * @typedef {import("./run.mjs").Look & {position: number, labels: boolean, cursor: Point | null, named: number,
 *   words: string}} Scene */

const GAP_PX = 6
const LETTER_PX = 12
const PLATE = "#14141a"
const INK = "#ffffff"
const PALETTE = Object.values(COLOURS)
// A pixel of what was sent that is shown larger than this is shown as a square.
const SHARP_FROM = 3

export class Stage extends Viewport {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Texts} texts
   */
  constructor(canvas, texts) {
    super(canvas)
    this.texts = texts
    this.panes = 1
  }

  /** The parts of the canvas that show the picture: one, or two of one size. @returns {Area[]} */
  get areas() {
    const { x, y, width, height } = this.whole
    if (this.panes === 1) return [this.whole]
    const half = Math.max(1, (width - GAP_PX * devicePixelRatio) / 2)
    return [0, width - half].map((left) => ({ x: x + left, y, width: half, height }))
  }

  /** The part under a point of the page. @param {{clientX: number, clientY: number}} event */
  areaAt(event) {
    const { areas } = this
    return this.canvasPoint(event).x < this.canvas.width / 2 ? areas[0] : areas[areas.length - 1]
  }

  /** The point of the picture under a point of the page. @param {{clientX: number, clientY: number}} event */
  under(event) {
    return this.pointAt(event, this.areaAt(event))
  }

  /** How far a point of the page is from the slider, in CSS pixels.
   * @param {{clientX: number, clientY: number}} event
   * @param {number} position
   */
  fromSlider(event, position) {
    const frame = this.frame()
    return Math.abs(this.canvasPoint(event).x - frame.x - position * frame.width) / devicePixelRatio
  }

  /**
   * @param {Frame | null} shown
   * @param {Scene} scene
   */
  draw(shown, scene) {
    const { context, canvas } = this
    this.resize()
    context.clearRect(0, 0, canvas.width, canvas.height)
    if (!shown) return
    this.ratio = shown.width / shown.height
    const isTwo = Boolean(shown.pictures.b)
    this.panes = isTwo && scene.view === "side by side" ? 2 : 1
    const [left, right] = this.areas
    context.imageSmoothingEnabled = this.frame(left).width < SHARP_FROM * shown.width
    this.put(shown.show(scene), left)
    if (right) this.put(shown.solid("b"), right)
    if (isTwo && scene.view === "A/B") this.slide(shown, scene)
    if (scene.labels) this.annotate(shown, scene)
    if (scene.cursor) for (const area of this.areas) this.point(scene.cursor, area)
    if (scene.cursor && scene.words) this.nameAt(scene)
  }

  /**
   * @param {Drawable} picture
   * @param {Area} area
   * @param {number} [from] draws only what lies right of this share of the picture
   */
  put(picture, area, from = 0) {
    const { context } = this
    const frame = this.frame(area)
    context.save()
    context.beginPath()
    const start = Math.max(area.x, from > 0 ? frame.x + from * frame.width : area.x)
    context.rect(start, area.y, Math.max(0, area.x + area.width - start), area.height)
    context.clip()
    context.drawImage(picture, frame.x, frame.y, frame.width, frame.height)
    context.restore()
  }

  /**
   * B right of the slider, and the slider's line.
   * @param {Frame} shown
   * @param {Scene} scene
   */
  slide(shown, { position }) {
    const { context } = this
    const frame = this.frame()
    // On the border of a pixel of what was sent, as it is cut in torch.
    const column = Math.floor(position * shown.width + 0.5) / shown.width
    if (column < 1) this.put(shown.solid("b"), this.whole, column)
    const x = frame.x + position * frame.width
    context.beginPath()
    context.moveTo(x, Math.max(0, frame.y))
    context.lineTo(x, Math.min(this.canvas.height, frame.y + frame.height))
    this.stroke()
    context.beginPath()
    context.arc(x, this.canvas.height / 2, 5 * devicePixelRatio, 0, 2 * Math.PI)
    context.fillStyle = INK
    context.fill()
    this.stroke()
  }

  /**
   * @param {Frame} shown
   * @param {Scene} scene
   */
  annotate(shown, scene) {
    const { areas, texts, canvas } = this
    const [left, right] = areas
    if (scene.view === "overlay") this.outline(shown, scene)
    if (!shown.pictures.b) return
    if (right || scene.view === "A/B") {
      this.plate(texts.only_a, left.x, 0)
      this.plate(texts.only_b, canvas.width, 0)
    }
    if (scene.view === "difference") {
      const range = Number((100 / scene.gain).toFixed(1))
      this.plate(fill(texts.amplified, { gain: scene.gain, range }), 0, 0)
    }
  }

  /**
   * Outlines of mask and garments, names with scores, and the method.
   * @param {Frame} shown
   * @param {Scene} scene
   */
  outline({ facts }, { colour, named }) {
    const { texts, canvas } = this
    if (facts.outline) this.trace(facts.outline, facts.unit, colour, 1)
    const garments = facts.garments ?? []
    const tint = (/** @type {number} */ number) => PALETTE[number % PALETTE.length]
    for (const number of garments.keys()) {
      this.trace(facts.outlines[number] ?? [], facts.unit, tint(number), number === named ? 3 : 1.5)
    }
    const frame = this.frame()
    for (const [number, { label, score, box }] of garments.entries()) {
      const x = frame.x + (box[0] / facts.width) * frame.width
      const y = frame.y + (box[1] / facts.height) * frame.height
      if (x < canvas.width && y < canvas.height) this.plate(`${label} ${score.toFixed(2)}`, x, y, tint(number))
    }
    if (facts.method) {
      const text = garments.length ? texts.found : texts.nothing_found
      this.plate(fill(text, { method: facts.method, count: garments.length }), 0, canvas.height)
    }
  }

  /**
   * @param {number[][]} outlines
   * @param {number} unit
   * @param {[number, number, number]} colour
   * @param {number} width
   */
  trace(outlines, unit, colour, width) {
    const { context } = this
    const frame = this.frame()
    context.beginPath()
    for (const points of outlines) {
      for (let at = 0; at < points.length; at += 2) {
        const [x, y] = [frame.x + (points[at] / unit) * frame.width, frame.y + (points[at + 1] / unit) * frame.height]
        if (at === 0) context.moveTo(x, y)
        else context.lineTo(x, y)
      }
      context.closePath()
    }
    context.strokeStyle = css(colour)
    context.lineWidth = width * devicePixelRatio
    context.stroke()
  }

  /**
   * A text on a ground of its own, kept inside the canvas.
   * @param {string} text
   * @param {number} x
   * @param {number} y
   * @param {[number, number, number]} [ground]
   */
  plate(text, x, y, ground) {
    const { context, canvas } = this
    const size = LETTER_PX * devicePixelRatio
    context.font = `${size}px system-ui, sans-serif`
    const [width, height] = [context.measureText(text).width + size * 0.7, size * 1.5]
    const left = Math.max(0, Math.min(x, canvas.width - width))
    const top = Math.max(0, Math.min(y, canvas.height - height))
    context.fillStyle = ground ? css(ground) : PLATE
    context.fillRect(left, top, width, height)
    context.fillStyle = ground ? PLATE : INK
    context.textBaseline = "middle"
    context.fillText(text, left + size * 0.35, top + height / 2)
  }

  /**
   * @param {Point} cursor
   * @param {Area} area
   */
  point(cursor, area) {
    const { context } = this
    const [x, y] = this.place(cursor, area)
    const reach = 6 * devicePixelRatio
    context.beginPath()
    context.moveTo(x - reach, y)
    context.lineTo(x + reach, y)
    context.moveTo(x, y - reach)
    context.lineTo(x, y + reach)
    this.stroke()
  }

  /** The garment's name beside the pointer. @param {Scene} scene */
  nameAt({ cursor, words, named }) {
    const [x, y] = this.place(/** @type {Point} */ (cursor), this.areas[0])
    const away = 10 * devicePixelRatio
    this.plate(words, x + away, y + away, named >= 0 ? PALETTE[named % PALETTE.length] : undefined)
  }

  /**
   * @param {Point} point
   * @param {Area} area
   */
  place(point, area) {
    const frame = this.frame(area)
    return [frame.x + point.x * frame.width, frame.y + point.y * frame.height]
  }
}

/** @param {[number, number, number]} colour */
function css(colour) {
  return `rgb(${colour.map((share) => Math.round(share * 255)).join(" ")})`
}
