// By hand: mouse, pen and finger on the canvas move the slider, pan and zoom.
import { followHand } from "../shared/canvas.mjs"
import { MIDDLE } from "../shared/events.mjs"
import { ZOOM_STEP } from "../shared/viewport.mjs"

/** @typedef {import("./comparer.mjs").default} Comparer */
/** @typedef {import("../shared/viewport.mjs").Point} Point */

const NEAR_PX = 10

export class Hand {
  /**
   * @param {Comparer} comparer
   * @param {AbortSignal} signal until when
   */
  constructor(comparer, signal) {
    this.comparer = comparer
    /** What the hand has grabbed to pan. @type {Point | null} */
    this.grabbed = null
    this.sliding = false
    followHand(comparer.canvas, this, signal)
  }

  /** @param {PointerEvent} event */
  press(event) {
    const { canvas, frame, stage } = this.comparer
    canvas.focus({ preventScroll: true })
    if (event.button !== 0 && event.button !== MIDDLE) return
    event.preventDefault()
    const point = stage.under(event)
    const look = this.comparer.look()
    const isSlider = event.button === 0 && look.view === "A/B" && Boolean(frame?.pictures.b)
    if (isSlider && (stage.zoom === 1 || stage.fromSlider(event, look.position) < NEAR_PX)) {
      this.sliding = true
      this.comparer.slide(point.x, false)
    } else this.grabbed = point
    canvas.setPointerCapture(event.pointerId)
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { comparer } = this
    const point = comparer.stage.under(event)
    if (this.sliding) comparer.slide(point.x, false)
    if (this.grabbed) comparer.stage.pan(this.grabbed, point)
    comparer.pointer.moveTo(inside(point) ? point : null)
    if (!comparer.sent) void comparer.refresh()
    comparer.draw()
  }

  release() {
    const { comparer } = this
    if (this.sliding) comparer.slide(comparer.value("position"), true)
    this.sliding = false
    this.grabbed = null
    comparer.draw()
  }

  drop() {
    this.release()
  }

  leave() {
    const { comparer } = this
    if (!this.sliding && !this.grabbed) comparer.pointer.cursor = null
    comparer.draw()
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault()
    const { comparer } = this
    comparer.stage.zoomAt(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, comparer.stage.under(event))
    comparer.draw()
  }
}

/** @param {Point} point */
function inside({ x, y }) {
  return x >= 0 && x <= 1 && y >= 0 && y <= 1
}
