// Buttons and sliders above the canvas. What is chosen stays in `options`; the editor is told of commands.
import { makeButton, makeToolbar } from "../shared/elements.mjs"

/** @typedef {"brush" | "smart" | "eraser" | "lasso" | "polygon" | "fill"} ToolName */
/** @typedef {import("./texts.mjs").Texts} Texts */
/** @typedef {"undo" | "redo" | "clear" | "invert" | "reset" | "fit" | "host" | "tint"} Command */
/** Percent; size is the radius as a share of the short side.
 * @typedef {{tool: ToolName, remove: boolean, size: number, hardness: number, opacity: number, tint: string}} Options */

/** @type {ToolName[]} */
const TOOLS = ["brush", "smart", "eraser", "lasso", "polygon", "fill"]
/** @type {Exclude<Command, "tint">[]} */
const COMMANDS = ["undo", "redo", "clear", "invert", "reset", "fit", "host"]
/** With the least, the greatest value and the step. @type {["size" | "hardness" | "opacity", number, number, number][]} */
const SLIDERS = [
  ["size", 0.1, 30, 0.1],
  ["hardness", 0, 100, 5],
  ["opacity", 5, 100, 5],
]
const TINTS = /** @type {const} */ (["blue", "orange", "black"])
export const CSS = `
.hemline-edit [data-hemline=settings] { column-gap: 12px; }
.hemline-edit .hemline-ask { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; padding: 4px 6px; color: #111;
  background: var(--hemline-focus); border-radius: 4px; }
.hemline-edit .hemline-ask[hidden] { display: none; }
.hemline-edit .hemline-ask span { flex: 1; }
.hemline-edit .hemline-ask button { padding: 4px 12px; }
.hemline-edit .hemline-ask button:focus-visible { outline-color: #111; }
.hemline-edit canvas { cursor: none; min-height: 300px; }
.hemline-edit canvas.hemline-grab { cursor: grabbing; }
`

export class Toolbar {
  /**
   * @param {Texts} texts
   * @param {(command: Command) => void} onCommand
   */
  constructor(texts, onCommand) {
    this.texts = texts
    /** @type {Options} */
    this.options = { tool: "brush", remove: false, size: 3, hardness: 80, opacity: 100, tint: "blue" }
    this.onCommand = onCommand
    /** @type {Record<string, HTMLButtonElement>} */
    this.buttons = {}
    /** @type {Record<string, HTMLInputElement>} */
    this.sliders = {}
    this.tools = this.bar("tools")
    for (const tool of TOOLS) this.button(this.tools, tool, () => this.choose(tool))
    this.button(this.tools, "remove", () => this.toggleRemove())
    this.tools.append(this.tintChoice())
    this.commands = this.bar("changes")
    for (const command of COMMANDS) this.button(this.commands, command, () => onCommand(command))
    this.settings = this.bar("settings")
    for (const slider of SLIDERS) this.settings.append(this.slider(...slider))
    this.elements = [this.tools, this.commands, this.settings]
    this.choose("brush")
  }

  /** @param {"tools" | "changes" | "settings"} key */
  bar(key) {
    const element = makeToolbar(this.texts[key])
    element.dataset.hemline = key
    return element
  }

  /**
   * @param {HTMLElement} parent
   * @param {ToolName | Exclude<Command, "tint"> | "remove"} key
   * @param {() => void} act
   */
  button(parent, key, act) {
    this.buttons[key] = makeButton(key, this.texts[key], this.texts[`${key}_hint`], act)
    parent.append(this.buttons[key])
  }

  /**
   * @param {"size" | "hardness" | "opacity"} key
   * @param {number} min
   * @param {number} max
   * @param {number} step
   */
  slider(key, min, max, step) {
    const input = Object.assign(document.createElement("input"), { type: "range", min, max, step })
    const shown = document.createElement("output")
    const label = document.createElement("label")
    label.append(this.texts[key], input, shown)
    input.value = String(this.options[key])
    input.dataset.hemline = key
    const take = () => {
      this.options[key] = Number(input.value)
      shown.value = `${input.value}%`
    }
    input.addEventListener("input", take)
    take()
    this.sliders[key] = input
    return label
  }

  tintChoice() {
    const select = document.createElement("select")
    select.setAttribute("aria-label", this.texts.tint)
    for (const name of TINTS) select.add(new Option(this.texts[name], name))
    select.addEventListener("change", () => {
      this.options.tint = select.value
      this.onCommand("tint")
    })
    return select
  }

  /** @param {ToolName} tool */
  choose(tool) {
    this.options.tool = tool
    for (const name of TOOLS) this.buttons[name].setAttribute("aria-pressed", String(name === tool))
    this.buttons.remove.disabled = tool === "brush" || tool === "eraser"
    this.buttons.remove.setAttribute("aria-pressed", String(this.options.remove))
  }

  toggleRemove() {
    this.options.remove = !this.options.remove
    this.choose(this.options.tool)
  }

  /** @param {number} factor */
  scaleSize(factor) {
    const { size } = this.sliders
    size.value = String(Math.max(Number(size.min), this.options.size * factor))
    size.dispatchEvent(new Event("input"))
  }

  /**
   * @param {boolean} undo whether there is something to undo
   * @param {boolean} redo
   * @param {boolean} strokes whether there is a stroke
   * @param {boolean} run whether the node has been run
   */
  enable(undo, redo, strokes, run) {
    this.buttons.host.disabled = !run
    this.buttons.undo.disabled = !undo
    this.buttons.redo.disabled = !redo
    this.buttons.reset.disabled = !strokes
  }
}
