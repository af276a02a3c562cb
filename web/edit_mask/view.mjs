// The canvas: the photo, the mask as a tint, what is being drawn, and the cursor; zoom and pan.

/** @typedef {import("./raster.mjs").Mask} Mask */
/** @typedef {import("./raster.mjs").Box} Box */
/** A point in shares of the picture's width and height. @typedef {{x: number, y: number}} Point */

// Colours that colour-blind people tell apart (Okabe & Ito 2008), and black for pictures that are as bright as these.
export const TINTS = { blue: [86, 180, 233], orange: [230, 159, 0], black: [0, 0, 0] }
const TINT_OPACITY = 0.6
const MOST_ZOOM = 32

export class View {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas
    const context = canvas.getContext("2d")
    if (!context) throw new Error("the browser has no 2D canvas")
    this.context = context
    this.overlay = document.createElement("canvas")
    this.tint = TINTS.blue
    /** @type {HTMLImageElement | null} */
    this.photo = null
    this.ratio = 1 // of the picture: width / height
    this.zoom = 1
    this.centre = { x: 0.5, y: 0.5 }
  }

  /** Where the picture lies on the canvas, in its pixels. */
  frame() {
    const { width, height } = this.canvas
    const fit = Math.min(width / this.ratio, height) * this.zoom
    const size = { width: fit * this.ratio, height: fit }
    return { ...size, x: width / 2 - this.centre.x * size.width, y: height / 2 - this.centre.y * size.height }
  }

  /**
   * The point of the picture under a point of the page.
   * @param {{clientX: number, clientY: number}} event
   * @returns {Point}
   */
  pointAt({ clientX, clientY }) {
    const page = this.canvas.getBoundingClientRect() // scaled with the graph
    const frame = this.frame()
    return {
      x: (((clientX - page.left) / page.width) * this.canvas.width - frame.x) / frame.width,
      y: (((clientY - page.top) / page.height) * this.canvas.height - frame.y) / frame.height,
    }
  }

  /**
   * Zooms so that the point stays where it is.
   * @param {number} factor
   * @param {Point} point
   */
  zoomAt(factor, point) {
    const before = this.zoom
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor))
    const share = before / this.zoom
    this.centre = { x: point.x + (this.centre.x - point.x) * share, y: point.y + (this.centre.y - point.y) * share }
    this.keepInside()
  }

  /**
   * @param {Point} from what was grabbed
   * @param {Point} to where it is dragged
   */
  pan(from, to) {
    this.centre = { x: this.centre.x + from.x - to.x, y: this.centre.y + from.y - to.y }
    this.keepInside()
  }

  fit() {
    this.zoom = 1
    this.keepInside()
  }

  keepInside() {
    const most = this.zoom === 1 ? 0.5 : 1
    const clamp = (/** @type {number} */ value) => Math.min(most, Math.max(1 - most, value))
    this.centre = { x: clamp(this.centre.x), y: clamp(this.centre.y) }
  }

  /** Makes the canvas as fine as the screen. @returns {boolean} whether its size has changed */
  resize() {
    const width = Math.max(1, Math.round(this.canvas.clientWidth * devicePixelRatio))
    const height = Math.max(1, Math.round(this.canvas.clientHeight * devicePixelRatio))
    if (this.canvas.width === width && this.canvas.height === height) return false
    this.canvas.width = width
    this.canvas.height = height
    return true
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

  /** Black under white, so that the line is seen on everything. */
  stroke() {
    for (const [colour, width] of /** @type {const} */ ([["#000", 3], ["#fff", 1]])) {
      this.context.strokeStyle = colour
      this.context.lineWidth = width * devicePixelRatio
      this.context.stroke()
    }
  }
}
