// Where a picture lies on a canvas: zoom, pan, and the way from the page to a point of the picture.

/** A point in shares of the picture's width and height. @typedef {{x: number, y: number}} Point */
/** A part of the canvas, in its pixels. @typedef {{x: number, y: number, width: number, height: number}} Area */

/** By how much a turn of the wheel or a key zooms. */
export const ZOOM_STEP = 1.25
const MOST_ZOOM = 32

export class Viewport {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas
    const context = canvas.getContext("2d")
    if (!context) throw new Error("the browser has no 2D canvas")
    this.context = context
    this.ratio = 1 // of the picture: width / height
    this.zoom = 1
    this.centre = { x: 0.5, y: 0.5 }
  }

  /** @returns {Area} */
  get whole() {
    return { x: 0, y: 0, width: this.canvas.width, height: this.canvas.height }
  }

  /**
   * Where the picture lies, if it is shown in that part of the canvas.
   * @param {Area} area
   * @returns {Area}
   */
  frame(area = this.whole) {
    const fit = Math.min(area.width / this.ratio, area.height) * this.zoom
    const size = { width: fit * this.ratio, height: fit }
    return {
      ...size,
      x: area.x + area.width / 2 - this.centre.x * size.width,
      y: area.y + area.height / 2 - this.centre.y * size.height,
    }
  }

  /**
   * A point of the page in pixels of the canvas.
   * @param {{clientX: number, clientY: number}} event
   */
  canvasPoint({ clientX, clientY }) {
    const page = this.canvas.getBoundingClientRect() // scaled with the graph
    return {
      x: ((clientX - page.left) / page.width) * this.canvas.width,
      y: ((clientY - page.top) / page.height) * this.canvas.height,
    }
  }

  /**
   * The point of the picture under a point of the page.
   * @param {{clientX: number, clientY: number}} event
   * @param {Area} area
   * @returns {Point}
   */
  pointAt(event, area = this.whole) {
    const { x, y } = this.canvasPoint(event)
    const frame = this.frame(area)
    return { x: (x - frame.x) / frame.width, y: (y - frame.y) / frame.height }
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

  /** Strokes the path black under white, so that it is seen on everything. */
  stroke() {
    for (const [colour, width] of /** @type {const} */ ([["#000", 3], ["#fff", 1]])) {
      this.context.strokeStyle = colour
      this.context.lineWidth = width * devicePixelRatio
      this.context.stroke()
    }
  }
}
