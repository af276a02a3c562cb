// A stroke while it is being drawn, by mouse, pen or keys: from its first point to the stroke that is stored.
import { RADIUS_UNIT, UNIT, makeStroke, simplify } from "./strokes.mjs"

/** @typedef {import("./strokes.mjs").Stroke} Stroke */
/** @typedef {import("./raster.mjs").Box} Box */
/** @typedef {import("./document.mjs").MaskDocument} MaskDocument */
/** @typedef {import("./toolbar.mjs").Options} Options */
/** @typedef {import("./view.mjs").Point} Point */

// How far, in pixels of the canvas's mask, a stored line may run beside the drawn one; for wide brushes a share of them.
const TOLERANCE_PX = 0.5
const TOLERANCE_SHARE = 0.03

export class Sketch {
  /**
   * @param {MaskDocument} edit
   * @param {Options} options
   * @param {boolean} erase the pen is held with its eraser down
   */
  constructor(edit, options, erase) {
    const { tool } = options
    this.edit = edit
    /** @type {import("./strokes.mjs").Tool} */
    this.tool = tool === "eraser" ? "brush" : tool
    this.stroke = makeStroke(this.tool, {
      erase: erase || tool === "eraser" || (tool !== "brush" && options.remove),
      opacity: Math.round(options.opacity),
      ...(isBrush(this.tool) && {
        radius: Math.min(RADIUS_UNIT, Math.max(1, Math.round((options.size / 100) * RADIUS_UNIT))),
        hardness: Math.round(options.hardness),
      }),
    })
    const { opacity } = this.stroke
    // What a smart stroke will cover is known when it is done; until then its whole area is shown faintly.
    const shown = { ...this.stroke, opacity: this.tool === "smart" ? opacity / 2 : opacity }
    this.brush = isBrush(this.tool) ? edit.liveBrush(shown) : null
    /** @type {(Point & {pressure: number})[]} */
    this.line = []
  }

  /**
   * @param {Point} point
   * @param {number} pressure 0 to 1
   * @returns {Box | null} what has changed in the mask that is shown
   */
  extend(point, pressure) {
    this.line.push({ ...point, pressure })
    const { width, height } = this.edit.shown
    return this.brush && this.brush.extend(point.x * width, point.y * height, pressure)
  }

  /** The finished stroke; null where it has too few points. @returns {Stroke | null} */
  finish() {
    const least = { brush: 1, smart: 1, fill: 1, lasso: 3, polygon: 3, clear: 0, invert: 0 }[this.tool]
    const line = this.tool === "polygon" ? this.line : this.simplified()
    if (line.length < least) return null
    const unit = (/** @type {number} */ share) => Math.min(2 * UNIT, Math.max(-UNIT, Math.round(share * UNIT)))
    const pressed = line.some(({ pressure }) => pressure < 1)
    return {
      ...this.stroke,
      points: line.flatMap(({ x, y }) => [unit(x), unit(y)]),
      pressure: pressed ? line.map(({ pressure }) => Math.round(pressure * 100)) : [],
    }
  }

  simplified() {
    const { width, height } = this.edit.shown
    const radius = (this.stroke.radius * Math.min(width, height)) / RADIUS_UNIT
    const tolerance = Math.max(TOLERANCE_PX, this.brush ? radius * TOLERANCE_SHARE : 0)
    const line = this.line.map((point) => ({ ...point, r: this.brush ? radius * point.pressure : 0 }))
    const scaled = line.map(({ x, y, r, pressure }) => ({ x: x * width, y: y * height, r, pressure }))
    return simplify(scaled, tolerance).map(({ x, y, pressure }) => ({ x: x / width, y: y / height, pressure }))
  }

  /** Where the stroke is shown in the mask. @returns {Box | null} */
  get box() {
    return this.brush && this.brush.box
  }
}

/** @param {import("./strokes.mjs").Tool} tool */
function isBrush(tool) {
  return tool === "brush" || tool === "smart"
}
