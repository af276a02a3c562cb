// What the editor shows: the canvas, painted once a frame where something has changed, and the line below it.
import { oncePerFrame } from "../shared/canvas.mjs"
import { say, statusLine } from "../shared/elements.mjs"
import { fill } from "../shared/texts.mjs"
import { joinBoxes } from "./lines.mjs"
import { CORE } from "./smart.mjs"
import { TINTS } from "./view.mjs"

/** @typedef {import("./editor.mjs").default} Editor */
/** @typedef {import("./lines.mjs").Box} Box */

export class Shown {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor
    this.status = statusLine()
    this.draw = oncePerFrame(() => this.drawNow())
    /** What of the mask is to be painted anew. @type {Box | null} */
    this.dirty = null
    new ResizeObserver(() => this.draw()).observe(editor.canvas)
  }

  /** After strokes, mask or picture have become others. */
  changed() {
    this.repaintAll()
    this.tell()
  }

  /** Says how it stands: which buttons do something, and the line below the canvas. */
  tell() {
    const { edit, problem, showing, toolbar } = this.editor
    const some = edit.strokes.length > 0 || problem !== ""
    toolbar.enable(edit.past.length > 0, edit.future.length > 0, some, Boolean(showing.source))
    this.say()
  }

  say() {
    say(this.status, this.message())
  }

  message() {
    const { ask, isLoading, problem, texts, view } = this.editor
    const state = problem || (isLoading ? texts.loading : view.photo ? this.state() : texts.no_picture)
    return ask.message ? `${ask.message} ${state}` : state
  }

  state() {
    const { edit, over, pen, showing, texts } = this.editor
    const count = edit.strokes.length
    const parts = [count === 1 ? texts.one_stroke : fill(texts.strokes, { count })]
    if (pen.sketch && pen.cursor) {
      const { x, y } = pen.cursor
      parts.push(fill(texts.pen_down, { x: Math.round(x * 100), y: Math.round(y * 100) }))
    } else if (!showing.source) parts.push(texts.run_for_mask)
    else if (this.editor.hasNewFile) parts.push(texts.run_for_file)
    else if (count && over.image && over.image !== showing.source.image) parts.push(texts.other_picture)
    return parts.join(", ")
  }

  repaintAll() {
    const { width, height } = this.editor.edit.shown
    this.repaint({ x0: 0, y0: 0, x1: width, y1: height })
  }

  /** @param {Box | null} box */
  repaint(box) {
    this.dirty = joinBoxes(this.dirty, box)
    this.draw()
  }

  drawNow() {
    const { edit, pen, toolbar, view } = this.editor
    const { sketch, cursor } = pen
    const { tool, size, tint } = toolbar.options
    view.tint = TINTS[/** @type {keyof typeof TINTS} */ (tint)]
    view.resize()
    if (this.dirty) view.paint(edit.shown, this.dirty)
    this.dirty = null
    const line = sketch && !sketch.brush ? sketch.line : []
    const radius = ["brush", "eraser", "smart"].includes(tool) ? size / 100 : 0
    const rubber = sketch?.tool === "polygon" && cursor ? [...line, cursor] : line
    const core = tool === "smart" ? radius * CORE : 0
    view.draw({ cursor, radius, core, line: rubber, closed: sketch?.tool === "lasso" })
  }
}
