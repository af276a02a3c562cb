// Edits of a mask as text: the counterpart of segmentation/strokes/text.py, which tells the format.

/** The latest version that is read. */
const VERSION = 2
/** The version that a tool came with, where it was not the first. @type {Partial<Record<Tool, number>>} */
const SINCE = { smart: 2 }
/** Tools that have a radius. @type {Tool[]} */
const BRUSHES = ["brush", "smart"]
export const UNIT = 16384
export const RADIUS_UNIT = 10000
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** @typedef {"brush" | "lasso" | "polygon" | "fill" | "clear" | "invert" | "smart"} Tool */
/**
 * One stroke, in the units of the text. Points are x0, y0, x1, y1 and so on.
 * @typedef {{tool: Tool, points: number[], erase: boolean, radius: number, hardness: number, opacity: number,
 *     pressure: number[]}} Stroke
 */
/** @typedef {{strokes: Stroke[], image: string, mask: string}} Edit */

/** The text is of a version of the format that is not known here. */
export class OtherVersion extends Error {
  /** @param {unknown} version */
  constructor(version) {
    super(`strokes of version ${version}`)
    this.version = String(version)
  }
}

/**
 * A stroke with what is not said at its usual value.
 * @param {Tool} tool
 * @param {Partial<Stroke>} [rest]
 * @returns {Stroke}
 */
export function makeStroke(tool, rest = {}) {
  return { tool, points: [], erase: false, radius: 200, hardness: 100, opacity: 100, pressure: [], ...rest }
}

/**
 * The edit in a text; throws where it is none, as a later version of Hemline may have written it.
 * @param {string} text
 * @returns {Edit}
 */
export function parseStrokes(text) {
  if (!text || !text.trim()) return { strokes: [], image: "", mask: "" }
  const document = JSON.parse(text)
  if (!(document.version >= 1 && document.version <= VERSION)) throw new OtherVersion(document.version)
  return {
    image: String(document.image ?? ""),
    mask: String(document.mask ?? ""),
    strokes: document.strokes.map((/** @type {any} */ entry) => parseStroke(entry)),
  }
}

/**
 * @param {any} entry
 * @returns {Stroke}
 */
function parseStroke(entry) {
  return makeStroke(entry.t, {
    points: sums(unpack(entry.p ?? ""), 2),
    erase: Boolean(entry.e),
    radius: entry.r ?? 200,
    hardness: entry.h ?? 100,
    opacity: entry.o ?? 100,
    pressure: sums(unpack(entry.w ?? ""), 1),
  })
}

/**
 * The text of an edit, "" for one without strokes.
 * @param {Edit} edit
 */
export function formatStrokes(edit) {
  if (!edit.strokes.length) return ""
  const strokes = edit.strokes.map((stroke) => ({
    t: stroke.tool,
    ...(stroke.erase ? { e: 1 } : {}),
    ...(BRUSHES.includes(stroke.tool) ? { r: stroke.radius } : {}),
    ...(stroke.hardness !== 100 ? { h: stroke.hardness } : {}),
    ...(stroke.opacity !== 100 ? { o: stroke.opacity } : {}),
    ...(stroke.points.length ? { p: pack(differences(stroke.points, 2)) } : {}),
    ...(stroke.pressure.length ? { w: pack(differences(stroke.pressure, 1)) } : {}),
  }))
  const version = Math.max(...edit.strokes.map(({ tool }) => SINCE[tool] ?? 1))
  return JSON.stringify({ version, image: edit.image, mask: edit.mask, strokes })
}

/** @param {number[]} numbers */
function pack(numbers) {
  let text = ""
  for (const number of numbers) {
    let rest = (Math.abs(number) << 1) | (number < 0 ? 1 : 0)
    for (; rest > 31; rest >>= 5) text += DIGITS[(rest & 31) | 32]
    text += DIGITS[rest]
  }
  return text
}

/** @param {string} text */
function unpack(text) {
  const numbers = []
  let value = 0
  let shift = 0
  for (const letter of text) {
    const digit = DIGITS.indexOf(letter)
    if (digit < 0) throw new Error("damaged points")
    value |= (digit & 31) << shift
    shift += 5
    if (digit < 32) {
      numbers.push(value & 1 ? -(value >> 1) : value >> 1)
      value = shift = 0
    }
  }
  return numbers
}

/**
 * @param {number[]} values
 * @param {number} axes
 */
function sums(values, axes) {
  const totals = [...values]
  for (let at = axes; at < totals.length; at++) totals[at] += totals[at - axes]
  return totals
}

/**
 * @param {number[]} values
 * @param {number} axes
 */
function differences(values, axes) {
  return values.map((value, at) => (at < axes ? value : value - values[at - axes]))
}

/**
 * The points of a line that its shape needs: the others lie within the tolerance (Douglas & Peucker 1973).
 * @template {{x: number, y: number, r: number}} T r: the radius there, in the units of x and y
 * @param {T[]} line
 * @param {number} tolerance in these units
 * @returns {T[]}
 */
export function simplify(line, tolerance) {
  if (line.length < 3) return line.length === 2 && offLine(line[1], line[0], line[0]) === 0 ? [line[0]] : line
  const kept = new Set([0, line.length - 1])
  const pending = [[0, line.length - 1]]
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    const [low, high] = pair
    let worst = 0
    let at = 0
    for (let index = low + 1; index < high; index++) {
      const off = offLine(line[index], line[low], line[high])
      if (off > worst) [worst, at] = [off, index]
    }
    if (worst > tolerance) {
      kept.add(at)
      pending.push([low, at], [at, high])
    }
  }
  return line.filter((_, index) => kept.has(index))
}

/**
 * @param {{x: number, y: number, r: number}} point
 * @param {{x: number, y: number, r: number}} start
 * @param {{x: number, y: number, r: number}} end
 */
function offLine(point, start, end) {
  const [across, down] = [end.x - start.x, end.y - start.y]
  const square = across * across + down * down
  const share = square ? ((point.x - start.x) * across + (point.y - start.y) * down) / square : 0
  const along = Math.min(1, Math.max(0, share))
  const wider = start.r + along * (end.r - start.r) - point.r
  return Math.hypot(point.x - start.x - along * across, point.y - start.y - along * down, wider)
}
