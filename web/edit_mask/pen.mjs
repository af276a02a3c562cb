// The pen, whoever moves it, hand or keys: where it is, and the stroke that is being drawn.
import { Sketch } from "./sketch.mjs"

/** @typedef {import("./editor.mjs").default} Editor */
/** @typedef {import("./view.mjs").Point} Point */

export class Pen {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor
    /** @type {Sketch | null} */
    this.sketch = null
    /** @type {Point | null} */
    this.cursor = null
  }

  /** Whether a line grows as long as the pen is moved. */
  get isDown() {
    return this.sketch !== null && this.sketch.tool !== "polygon"
  }

  /**
   * @param {Point} point
   * @param {number} pressure
   * @param {boolean} erase
   */
  begin(point, pressure, erase) {
    const { editor } = this
    if (!editor.canDraw) return
    const { options } = editor.toolbar
    const goesOn = this.sketch?.tool === "polygon" && options.tool === "polygon"
    if (!goesOn) {
      this.drop()
      this.sketch = new Sketch(editor.edit, options, erase)
    }
    this.extend(point, pressure)
    if (this.sketch?.tool === "fill") this.finish()
  }

  /**
   * @param {Point} point
   * @param {number} pressure
   */
  extend(point, pressure) {
    if (this.sketch) this.editor.shown.repaint(this.sketch.extend(point, pressure))
  }

  finish() {
    const stroke = this.sketch?.finish()
    this.drop()
    if (stroke) this.editor.add(stroke)
  }

  closePolygon() {
    if (this.sketch?.tool !== "polygon") return
    const { line } = this.sketch
    const [last, before] = [line.at(-1), line.at(-2)]
    if (before && last && last.x === before.x && last.y === before.y) line.pop() // the second of two clicks
    this.finish()
  }

  /** Forgets the stroke that is being drawn. */
  drop() {
    const box = this.sketch?.box ?? null
    this.sketch = null
    this.editor.edit.drop(box)
    this.editor.shown.repaint(box)
  }
}
