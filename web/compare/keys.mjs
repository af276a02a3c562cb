// By keys: everything that the hand can do on the canvas, and the choice of the view.
import { ARROWS } from "../shared/canvas.mjs"
import { ZOOM_STEP } from "../shared/viewport.mjs"
import { VIEWS } from "./views.mjs"

/** @typedef {import("./comparer.mjs").default} Comparer */

const STEP = 0.02
const SLIDER_STEP = 0.01

export class Keys {
  /** @param {Comparer} comparer */
  constructor(comparer) {
    this.comparer = comparer
    comparer.canvas.addEventListener("keydown", (event) => this.press(event))
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return // the host's
    const { comparer } = this
    const { pointer, stage } = comparer
    const key = event.key.toLowerCase()
    const number = Number(key)
    const middle = pointer.cursor ?? stage.centre
    if (event.key in ARROWS) this.moveCursor(ARROWS[event.key], event.shiftKey)
    else if (key === "," || key === ".") {
      comparer.slide(Number(comparer.value("position")) + (key === "." ? SLIDER_STEP : -SLIDER_STEP), true)
    } else if (key === "x") comparer.flip()
    else if (key === "+" || key === "-") stage.zoomAt(key === "+" ? ZOOM_STEP : 1 / ZOOM_STEP, middle)
    else if (key === "0") stage.fit()
    else if (number >= 1 && number <= VIEWS.length) comparer.choose(VIEWS[number - 1])
    else if (key === "pageup" || key === "pagedown") comparer.step(key === "pagedown" ? 1 : -1)
    else return
    event.preventDefault()
    event.stopPropagation()
    comparer.tell()
  }

  /**
   * @param {[number, number]} direction
   * @param {boolean} small by one pixel
   */
  moveCursor([across, down], small) {
    const { frame, pointer, stage } = this.comparer
    if (!frame) return
    const from = pointer.cursor ?? stage.centre
    const step = (/** @type {number} */ pixels) => (small ? 1 / pixels : STEP / stage.zoom)
    const [x, y] = [from.x + across * step(frame.width), from.y + down * step(frame.height)]
    pointer.moveTo({ x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) }, true)
  }
}
