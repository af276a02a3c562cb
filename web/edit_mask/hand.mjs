// By hand: mouse, pen and finger on the canvas draw, pan and zoom.
import { followHand } from "../shared/canvas.mjs"
import { MIDDLE } from "../shared/events.mjs"
import { ZOOM_STEP } from "../shared/viewport.mjs"

/** @typedef {import("./editor.mjs").default} Editor */
/** @typedef {import("./view.mjs").Point} Point */

const PEN_ERASER = 32

export class Hand {
  /**
   * @param {Editor} editor
   * @param {AbortSignal} signal until when
   */
  constructor(editor, signal) {
    this.editor = editor
    this.canvas = editor.canvas
    /** What the hand has grabbed to pan. @type {Point | null} */
    this.grabbed = null
    this.mayGrab = false // the space bar is held
    followHand(this.canvas, this, signal)
    this.canvas.addEventListener("dblclick", () => editor.pen.closePolygon())
  }

  /** @param {PointerEvent} event */
  press(event) {
    this.canvas.focus({ preventScroll: true })
    const { pen, view } = this.editor
    const point = view.pointAt(event)
    if (event.button === MIDDLE || (event.button === 0 && this.mayGrab)) {
      event.preventDefault()
      this.grabbed = point
      this.mayGrab = false
      this.canvas.classList.add("hemline-grab")
    } else if (event.button === 0 || event.buttons & PEN_ERASER) {
      pen.cursor = point
      pen.begin(point, pressureOf(event), Boolean(event.buttons & PEN_ERASER))
    } else return
    this.canvas.setPointerCapture(event.pointerId)
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { pen, shown, view } = this.editor
    if (this.grabbed) {
      view.pan(this.grabbed, view.pointAt(event))
      return shown.draw()
    }
    pen.cursor = view.pointAt(event)
    if (!pen.sketch) void this.editor.refresh()
    if (pen.isDown && event.buttons & (1 | PEN_ERASER)) {
      const events = event.getCoalescedEvents?.() ?? []
      for (const one of events.length ? events : [event]) pen.extend(view.pointAt(one), pressureOf(one))
    }
    shown.draw()
  }

  /** @param {PointerEvent} event */
  release(event) {
    const { pen, shown } = this.editor
    if (this.grabbed) {
      this.grabbed = null
      this.canvas.classList.remove("hemline-grab")
    } else if (pen.isDown && event.button !== MIDDLE) pen.finish()
    shown.draw()
  }

  drop() {
    this.editor.pen.drop()
  }

  leave() {
    const { pen, shown } = this.editor
    if (!pen.sketch) pen.cursor = null
    shown.draw()
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault()
    const { shown, view } = this.editor
    view.zoomAt(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, view.pointAt(event))
    shown.draw()
  }
}

/** A pen's pressure, 1 for everything else. @param {PointerEvent} event */
function pressureOf(event) {
  return event.pointerType === "pen" ? event.pressure : 1
}
