// By keys: everything that the hand can do on the canvas.
import { ARROWS } from "../shared/canvas.mjs"
import { ZOOM_STEP } from "../shared/viewport.mjs"

/** @typedef {import("./editor.mjs").default} Editor */

const STEP = 0.02
const SMALL_STEP = 0.002
/** @type {Record<string, import("./toolbar.mjs").ToolName>} */
const TOOL_KEYS = { b: "brush", s: "smart", e: "eraser", l: "lasso", p: "polygon", f: "fill" }

export class Keys {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor
    const { canvas, hand } = editor
    canvas.addEventListener("keydown", (event) => this.press(event))
    canvas.addEventListener("keyup", (event) => this.release(event))
    canvas.addEventListener("blur", () => {
      hand.mayGrab = false
    })
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { editor } = this
    const { hand, pen, toolbar } = editor
    const letter = event.key.toLowerCase()
    if (event.ctrlKey || event.metaKey) {
      if (event.altKey || (letter !== "z" && letter !== "y")) return // the host's
      editor.command(letter === "y" || event.shiftKey ? "redo" : "undo")
    } else if (event.altKey) return
    else if (event.key in ARROWS) this.moveCursor(ARROWS[event.key], event.shiftKey ? SMALL_STEP : STEP)
    else if (event.key === " ") hand.mayGrab = true
    else if (event.key === "Enter") this.putPen(true)
    else if (event.key === "Escape" && pen.sketch) pen.drop()
    else if (letter in TOOL_KEYS) toolbar.choose(TOOL_KEYS[letter])
    else if (letter === "r") toolbar.toggleRemove()
    else if (event.key === "[" || event.key === "]") toolbar.scaleSize(event.key === "[" ? 1 / ZOOM_STEP : ZOOM_STEP)
    else if (event.key === "+" || event.key === "-") this.zoom(event.key === "+" ? ZOOM_STEP : 1 / ZOOM_STEP)
    else if (event.key === "0") editor.view.fit()
    else return
    event.preventDefault()
    event.stopPropagation()
    editor.shown.draw()
  }

  /** Space draws when it is let go, because while it is held it may be for panning. @param {KeyboardEvent} event */
  release(event) {
    if (event.key !== " ") return
    event.stopPropagation()
    const { hand, shown } = this.editor
    if (hand.mayGrab) this.putPen(false)
    hand.mayGrab = false
    shown.draw()
  }

  /**
   * Puts the pen down, or lifts it.
   * @param {boolean} close whether a polygon is to be closed
   */
  putPen(close) {
    const { pen, shown, view } = this.editor
    const point = (pen.cursor ??= { ...view.centre })
    if (pen.isDown || (pen.sketch && close)) pen.finish()
    else pen.begin(point, 1, false)
    shown.say()
  }

  /**
   * @param {[number, number]} direction
   * @param {number} step
   */
  moveCursor([across, down], step) {
    const { pen, shown, view } = this.editor
    const clamp = (/** @type {number} */ value) => Math.min(1, Math.max(0, value))
    const from = pen.cursor ?? view.centre
    const { ratio } = view // the same way in pixels, whatever the picture's shape
    const [x, y] = ratio > 1 ? [step / ratio, step] : [step, step * ratio]
    pen.cursor = { x: clamp(from.x + (across * x) / view.zoom), y: clamp(from.y + (down * y) / view.zoom) }
    if (pen.isDown) pen.extend(pen.cursor, 1)
    shown.say()
  }

  /** @param {number} factor */
  zoom(factor) {
    const { pen, view } = this.editor
    view.zoomAt(factor, pen.cursor ?? view.centre)
  }
}
