// What lies under the pointer: the garment's name, and the line about the pixel.
import { say } from "../shared/elements.mjs"
import { fill } from "../shared/texts.mjs"

/** @typedef {import("../shared/viewport.mjs").Point} Point */
/** @typedef {import("./run.mjs").Frame} Frame */
/** @typedef {import("./texts.mjs").Texts} Texts */

export class Pointer {
  /** @param {Texts} texts */
  constructor(texts) {
    this.texts = texts
    /** A point of the picture. @type {Point | null} */
    this.cursor = null
    this.readout = Object.assign(document.createElement("div"), { className: "hemline-readout" })
  }

  /**
   * @param {Point | null} point
   * @param {boolean} [byKeys] then a screen reader reads what lies there
   */
  moveTo(point, byKeys = false) {
    this.cursor = point
    if (byKeys) this.readout.setAttribute("aria-live", "polite")
    else this.readout.removeAttribute("aria-live")
  }

  /** Writes the line. @param {Frame | null} frame */
  tell(frame) {
    say(this.readout, this.reading(frame))
  }

  /**
   * Which garment is there: its number, -1 for none, and its name with its score.
   * @param {Frame | null} frame
   */
  naming(frame) {
    const at = this.place(frame)
    const map = at >= 0 ? frame?.pixels("garments") : null
    if (!map || !frame) return { named: -1, words: "" }
    const named = map.data[at] - 1
    const garment = frame.facts.garments?.[named]
    if (garment) return { named, words: wordsOf(garment) }
    const part = map.data[at + 1]
    return { named: -1, words: part ? (frame.facts.legend?.[part] ?? "") : "" }
  }

  /**
   * Which pixel of what was sent is there, as a place in its data; -1 without one.
   * @param {Frame | null} frame
   */
  place(frame) {
    const { cursor } = this
    if (!cursor || !frame) return -1
    const [x, y] = [cursor.x * frame.width, cursor.y * frame.height].map(Math.floor)
    return 4 * (Math.min(y, frame.height - 1) * frame.width + Math.min(x, frame.width - 1))
  }

  /** @param {Frame | null} frame */
  reading(frame) {
    const { cursor, texts } = this
    const at = this.place(frame)
    if (!frame || !cursor || at < 0) return ""
    const { width = frame.width, height = frame.height } = frame.facts
    const x = Math.min(width - 1, Math.floor(cursor.x * width))
    const y = Math.min(height - 1, Math.floor(cursor.y * height))
    const parts = [fill(texts.at, { x, y })]
    for (const [name, text] of /** @type {const} */ ([["a", texts.value_a], ["b", texts.value_b]])) {
      const data = frame.pixels(name)?.data
      if (data) parts.push(fill(text, { value: colourOf(data, at) }))
    }
    const mask = frame.pixels("mask")?.data
    if (mask) parts.push(fill(texts.value_mask, { value: (mask[at] / 255).toFixed(2) }))
    const { words } = this.naming(frame)
    return [...parts, ...(words ? [words] : [])].join(" · ")
  }
}

/** A garment's name and score. @param {any} garment */
export function wordsOf({ label, score }) {
  return `${label} ${score.toFixed(2)}`
}

/**
 * @param {Uint8ClampedArray} data
 * @param {number} at
 */
function colourOf(data, at) {
  const parts = data[at + 3] === 255 ? 3 : 4
  return Array.from(data.subarray(at, at + parts)).join(" ")
}
