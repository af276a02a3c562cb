// Buttons and sliders above the canvas. What is chosen stays in `options`; the editor is told of commands.

/** @typedef {"brush" | "eraser" | "lasso" | "polygon" | "fill"} ToolName */
/** @typedef {"undo" | "redo" | "clear" | "invert" | "reset" | "fit" | "host" | "tint"} Command */
/** Percent; size is the radius as a share of the short side.
 * @typedef {{tool: ToolName, remove: boolean, size: number, hardness: number, opacity: number, tint: string}} Options */

/** @type {[ToolName, string, string][]} */
const TOOLS = [
  ["brush", "Brush", "Paint the mask (B)"],
  ["eraser", "Eraser", "Take the mask away (E)"],
  ["lasso", "Lasso", "Draw around an area (L)"],
  ["polygon", "Polygon", "Click corners, double click or Enter to close (P)"],
  ["fill", "Fill", "Fill a hole; with Remove take an island away (F)"],
]
/** @type {[Command, string, string][]} */
const COMMANDS = [
  ["undo", "Undo", "Undo (Ctrl+Z)"],
  ["redo", "Redo", "Redo (Ctrl+Y)"],
  ["clear", "Empty", "Remove the whole mask"],
  ["invert", "Invert", "Turn the mask round"],
  ["reset", "Reset", "Forget all strokes"],
  ["fit", "Fit", "Show the whole picture (0)"],
  ["host", "Mask Editor", "Open ComfyUI's own mask editor; what it saves takes the automatic mask's place"],
]
/** @type {["size" | "hardness" | "opacity", string, number, number, number][]} */
const SLIDERS = [
  ["size", "Size", 0.1, 30, 0.1],
  ["hardness", "Hardness", 0, 100, 5],
  ["opacity", "Opacity", 5, 100, 5],
]
const CSS = `
.hemline-edit { display: flex; flex-direction: column; gap: 4px; width: 100%; height: 100%; box-sizing: border-box;
  padding: 4px; background: #1b1b1f; color: #f4f4f5; font: 12px/1.3 system-ui, sans-serif; border-radius: 6px; }
.hemline-edit [role=toolbar] { display: flex; flex-wrap: wrap; gap: 3px; }
.hemline-edit button, .hemline-edit select { font: inherit; color: #f4f4f5; background: #35353d; border: 1px solid #6b6b76;
  border-radius: 4px; padding: 2px 6px; cursor: pointer; }
.hemline-edit button:hover { background: #4a4a55; }
.hemline-edit button[aria-pressed=true] { color: #111; background: #f4f4f5; }
.hemline-edit button:disabled { color: #9d9da8; cursor: default; }
.hemline-edit [aria-label=Brush] { column-gap: 12px; }
.hemline-edit label { display: flex; align-items: center; gap: 4px; flex: 1 1 100px; min-width: 0; }
.hemline-edit input { flex: 1; min-width: 30px; accent-color: #56b4e9; }
.hemline-edit output { width: 3.2em; text-align: right; font-variant-numeric: tabular-nums; }
.hemline-edit :is(button, select, input, canvas):focus-visible { outline: 2px solid #ffd84d; outline-offset: 1px; }
.hemline-edit canvas { flex: 1; min-height: 0; width: 100%; background: #000; touch-action: none; cursor: none;
  outline-offset: -2px; }
.hemline-edit canvas.hemline-grab { cursor: grabbing; }
.hemline-edit .hemline-status { min-height: 1.3em; }
.hemline-edit .hemline-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
`

export class Toolbar {
  /** @param {(command: Command) => void} onCommand */
  constructor(onCommand) {
    addStyle()
    /** @type {Options} */
    this.options = { tool: "brush", remove: false, size: 3, hardness: 80, opacity: 100, tint: "blue" }
    this.onCommand = onCommand
    /** @type {Record<string, HTMLButtonElement>} */
    this.buttons = {}
    /** @type {Record<string, HTMLInputElement>} */
    this.sliders = {}
    this.tools = bar("Tools")
    for (const [tool, label, hint] of TOOLS) this.button(this.tools, tool, label, hint, () => this.choose(tool))
    this.button(this.tools, "remove", "Remove", "Lasso, polygon and fill take away (R)", () => this.toggleRemove())
    this.tools.append(this.tintChoice())
    this.commands = bar("Changes")
    for (const [command, label, hint] of COMMANDS) {
      this.button(this.commands, command, label, hint, () => onCommand(command))
    }
    this.settings = bar("Brush")
    for (const slider of SLIDERS) this.settings.append(this.slider(...slider))
    this.elements = [this.tools, this.commands, this.settings]
    this.choose("brush")
  }

  /**
   * @param {HTMLElement} parent
   * @param {string} key
   * @param {string} label
   * @param {string} hint
   * @param {() => void} act
   */
  button(parent, key, label, hint, act) {
    const button = document.createElement("button")
    button.type = "button"
    button.textContent = label
    button.title = hint
    button.dataset.hemline = key
    button.addEventListener("click", act)
    this.buttons[key] = button
    parent.append(button)
  }

  /**
   * @param {"size" | "hardness" | "opacity"} key
   * @param {string} name
   * @param {number} min
   * @param {number} max
   * @param {number} step
   */
  slider(key, name, min, max, step) {
    const input = Object.assign(document.createElement("input"), { type: "range", min, max, step })
    const shown = document.createElement("output")
    const label = document.createElement("label")
    label.append(name, input, shown)
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
    select.setAttribute("aria-label", "Colour of the mask")
    for (const name of ["blue", "orange", "black"]) select.add(new Option(name))
    select.addEventListener("change", () => {
      this.options.tint = select.value
      this.onCommand("tint")
    })
    return select
  }

  /** @param {ToolName} tool */
  choose(tool) {
    this.options.tool = tool
    for (const [name] of TOOLS) this.buttons[name].setAttribute("aria-pressed", String(name === tool))
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

/** @param {string} label */
function bar(label) {
  const element = document.createElement("div")
  element.setAttribute("role", "toolbar")
  element.setAttribute("aria-label", label)
  return element
}

function addStyle() {
  if (document.getElementById("hemline-edit-style")) return
  const style = Object.assign(document.createElement("style"), { id: "hemline-edit-style", textContent: CSS })
  document.head.append(style)
}
