// What is above and below the canvas: views, blink, numbers, fit, frames, and the slider as a slider.
import { makeButton, makeToolbar } from "../shared/elements.mjs"
import { fill } from "../shared/texts.mjs"
import { VIEWS } from "./views.mjs"

/** @typedef {import("./texts.mjs").Texts} Texts */
/** @typedef {"blink" | "numbers" | "fit" | "previous" | "next"} Command */
/** What the bar tells of. @typedef {{view: (view: string) => void, command: (command: Command) => void,
 *   slide: (position: number, done: boolean) => void}} Acts */

/** Views and their texts' names. @type {Record<typeof VIEWS[number], keyof Texts & string>} */
export const NAMES = {
  overlay: "overlay",
  matte: "matte",
  checkerboard: "checkerboard",
  "A/B": "slider",
  "side by side": "beside",
  difference: "difference",
  A: "only_a",
  B: "only_b",
}
export const CSS = `
.hemline-compare output { width: auto; min-width: 3.2em; text-align: center; align-self: center; }
.hemline-compare canvas { cursor: crosshair; min-height: 120px; }
.hemline-compare .hemline-readout { min-height: 1.3em; font-variant-numeric: tabular-nums; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
.hemline-compare .hemline-numbers { height: 216px; overflow: auto; flex: none; }
.hemline-compare .hemline-numbers[hidden], .hemline-compare [hidden] { display: none; }
.hemline-compare .hemline-numbers:focus-visible { outline: 2px solid var(--hemline-focus); }
.hemline-compare .hemline-charts { display: flex; gap: 8px; flex-wrap: wrap; }
.hemline-compare figure { margin: 4px 0; flex: 1 1 180px; min-width: 0; }
.hemline-compare figcaption { display: flex; gap: 8px; flex-wrap: wrap; }
.hemline-compare figure canvas { cursor: default; width: 100%; height: 60px; min-height: 0; background: #0c0c0f; }
.hemline-compare .hemline-mark { display: inline-block; width: 9px; height: 9px; margin-right: 3px; }
.hemline-compare table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.hemline-compare th { text-align: left; font-weight: normal; padding-right: 8px; }
.hemline-compare td { text-align: right; }
.hemline-compare tr:nth-child(odd) { background: #26262c; }
`

export class Bar {
  /**
   * @param {Texts} texts
   * @param {Acts} acts
   */
  constructor(texts, acts) {
    this.texts = texts
    /** @type {Record<string, HTMLButtonElement>} */
    this.buttons = {}
    this.views = makeToolbar(texts.views)
    for (const view of VIEWS) this.button(this.views, view, NAMES[view], () => acts.view(view))
    this.looks = makeToolbar(texts.looks)
    for (const command of /** @type {const} */ (["blink", "numbers", "fit"])) {
      this.button(this.looks, command, command, () => acts.command(command))
    }
    this.buttons.numbers.setAttribute("aria-expanded", "false")
    this.frames = Object.assign(document.createElement("span"), { hidden: true })
    this.frame = document.createElement("output")
    for (const [command, sign] of /** @type {const} */ ([["previous", "‹"], ["next", "›"]])) {
      const button = this.button(this.frames, command, command, () => acts.command(command))
      button.textContent = sign
      button.setAttribute("aria-label", texts[command])
      if (command === "previous") this.frames.append(this.frame)
    }
    this.looks.append(this.frames)
    this.slider = document.createElement("label")
    this.range = Object.assign(document.createElement("input"), { type: "range", min: "0", max: "1", step: "0.01" })
    this.range.dataset.hemline = "position"
    this.range.addEventListener("input", () => acts.slide(Number(this.range.value), false))
    this.range.addEventListener("change", () => acts.slide(Number(this.range.value), true))
    this.slider.append(texts.position, this.range)
    this.slider.style.flex = "none"
    this.elements = [this.views, this.looks, this.slider]
  }

  /**
   * @param {HTMLElement} parent
   * @param {string} key
   * @param {keyof Texts & string} name
   * @param {() => void} act
   */
  button(parent, key, name, act) {
    const hint = /** @type {keyof Texts} */ (`${name}_hint`)
    this.buttons[key] = makeButton(key, this.texts[name], this.texts[hint] ?? this.texts[name], act)
    parent.append(this.buttons[key])
    return this.buttons[key]
  }

  /**
   * How it stands.
   * @param {{view: string, position: number, index: number, count: number, isTwo: boolean, blinking: boolean,
   *   open: boolean, still: boolean}} state still: the system asks for less motion
   */
  tell({ view, position, index, count, isTwo, blinking, open, still }) {
    for (const name of VIEWS) this.buttons[name].setAttribute("aria-pressed", String(name === view))
    const { blink, numbers, previous, next } = this.buttons
    blink.setAttribute("aria-pressed", String(blinking))
    blink.disabled = !isTwo
    blink.title = still ? this.texts.flip_hint : this.texts.blink_hint
    numbers.setAttribute("aria-expanded", String(open))
    numbers.setAttribute("aria-pressed", String(open))
    this.slider.hidden = view !== "A/B"
    this.range.value = String(position)
    this.frames.hidden = count < 2
    this.frame.value = fill(this.texts.frame, { number: index + 1, count })
    previous.disabled = index === 0
    next.disabled = index >= count - 1
  }
}
