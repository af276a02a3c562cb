// The canvas: the photo, the mask as a tint, what is being drawn, and the cursor.
import { Viewport } from "../shared/viewport.mjs"

/** @typedef {import("./raster.mjs").Mask} Mask */
/** @typedef {import("./raster.mjs").Box} Box */
/** @typedef {import("../shared/viewport.mjs").Point} Point */

// Colours that colour-blind people tell apart (Okabe & Ito 2008), and black for pictures that are as bright as these.
export const TINTS = { blue: [86, 180, 233], orange: [230, 159, 0], black: [0, 0, 0] }
const TINT_OPACITY = 0.6

export class View extends Viewport {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    super(canvas)
    this.overlay = document.createElement("canvas")
    this.tint = TINTS.blue
    /** @type {HTMLImageElement | null} */
    this.photo = null
  }

  /**
   * Takes over what has changed in the mask.
   * @param {Mask} mask
   * @param {Box} box
   */
  paint(mask, box) {
    if (this.overlay.width !== mask.width || this.overlay.height !== mask.height) {
      this.overlay.width = mask.width
      this.overlay.height = mask.height
      box = { x0: 0, y0: 0, x1: mask.width, y1: mask.height }
    }
    const context = this.overlay.getContext("2d")
    if (!context || box.x0 >= box.x1 || box.y0 >= box.y1) return
    const pixels = context.createImageData(box.x1 - box.x0, box.y1 - box.y0)
    const [red, green, blue] = this.tint
    let to = 0
    for (let y = box.y0; y < box.y1; y++) {
      for (let at = y * mask.width + box.x0; at < y * mask.width + box.x1; at++) {
        pixels.data[to++] = red
        pixels.data[to++] = green
        pixels.data[to++] = blue
        pixels.data[to++] = mask.values[at] * TINT_OPACITY * 255
      }
    }
    context.putImageData(pixels, box.x0, box.y0)
  }

  /**
   * @param {{cursor: Point | null, radius: number, core: number, line: Point[], closed: boolean}} sketch radius of the
   *     brush and of its core: shares of the short side
   */
  draw({ cursor, radius, core, line, closed }) {
    const { context, canvas } = this
    const frame = this.frame()
    context.clearRect(0, 0, canvas.width, canvas.height)
    context.imageSmoothingEnabled = this.zoom < 8
    if (this.photo) context.drawImage(this.photo, frame.x, frame.y, frame.width, frame.height)
    context.drawImage(this.overlay, frame.x, frame.y, frame.width, frame.height)
    const at = (/** @type {Point} */ point) => [frame.x + point.x * frame.width, frame.y + point.y * frame.height]
    if (line.length) {
      context.beginPath()
      line.forEach((point) => context.lineTo(at(point)[0], at(point)[1]))
      if (closed) context.closePath()
      this.stroke()
    }
    if (cursor) {
      const [x, y] = at(cursor)
      const reach = Math.max(3, radius * Math.min(frame.width, frame.height))
      context.beginPath()
      context.arc(x, y, reach, 0, 2 * Math.PI)
      if (core) {
        context.moveTo(x + (reach * core) / radius, y)
        context.arc(x, y, (reach * core) / radius, 0, 2 * Math.PI)
      }
      context.moveTo(x - 3, y)
      context.lineTo(x + 3, y)
      context.moveTo(x, y - 3)
      context.lineTo(x, y + 3)
      this.stroke()
    }
  }
}
