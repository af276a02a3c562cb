// Strokes in a mask: the counterpart of segmentation/strokes/raster.py, equal to it within 1/255 (a golden test holds it).
import { boxOf, joinBoxes, knotsOf, pieces, radiusOf } from "./lines.mjs"
import { shareByColour } from "./smart.mjs"
import { UNIT } from "./strokes.mjs"

/** @typedef {import("./strokes.mjs").Stroke} Stroke */
/** @typedef {import("./lines.mjs").Box} Box */
/** @typedef {import("./lines.mjs").Knot} Knot */
/** @typedef {import("./smart.mjs").Picture} Picture */
/** @typedef {{width: number, height: number, values: Float32Array}} Mask */

const REACH_PX = 0.75

/**
 * Draws a stroke into the mask, in place.
 * @param {Mask} mask
 * @param {Stroke} stroke
 * @param {Picture | null} [picture] of the mask's size, whose colours a smart stroke keeps to
 * @returns {Box | null} what may have changed
 */
export function drawStroke(mask, stroke, picture = null) {
  const all = { x0: 0, y0: 0, x1: mask.width, y1: mask.height }
  if (stroke.tool === "clear") {
    mask.values.fill(0)
    return all
  }
  if (stroke.tool === "invert") {
    for (let at = 0; at < mask.values.length; at++) mask.values[at] = 1 - mask.values[at]
    return all
  }
  const covers = { brush: coverBrush, smart: coverSmart, lasso: coverArea, polygon: coverArea, fill: coverRegion }
  const found = covers[stroke.tool](mask, stroke, picture)
  if (found) blend(mask, found.box, found.coverage, stroke)
  return found && found.box
}

/**
 * @param {Mask} mask
 * @param {Box} box
 * @param {Float32Array} coverage
 * @param {Stroke} stroke
 */
function blend(mask, box, coverage, stroke) {
  const opacity = stroke.opacity / 100
  const { values, width } = mask
  let from = 0
  for (let y = box.y0; y < box.y1; y++) {
    for (let at = y * width + box.x0; at < y * width + box.x1; at++) {
      const share = coverage[from++] * opacity
      if (share) values[at] = stroke.erase ? values[at] * (1 - share) : values[at] + (1 - values[at]) * share
    }
  }
}

/**
 * @param {Mask} mask
 * @param {Stroke} stroke
 */
function coverBrush(mask, stroke) {
  const radius = radiusOf(stroke, mask)
  const ramp = Math.max(1, (1 - stroke.hardness / 100) * radius)
  const knots = knotsOf(mask, stroke, radius)
  const box = boxOf(knots, radius + 1, mask)
  if (!box) return null
  const beyond = new Float32Array((box.x1 - box.x0) * (box.y1 - box.y0)).fill(Infinity)
  for (const [first, last] of pieces(knots)) approach(beyond, box, first, last, mask)
  for (let at = 0; at < beyond.length; at++) {
    const off = beyond[at]
    // Thinner than a pixel: less than the line's other side.
    beyond[at] = profile(off, ramp) - (radius < 0.5 ? profile(off + 2 * radius, ramp) : 0)
  }
  return { box, coverage: beyond }
}

/**
 * @param {Mask} mask
 * @param {Stroke} stroke
 * @param {Picture | null} picture
 */
function coverSmart(mask, stroke, picture) {
  const found = coverBrush(mask, stroke)
  if (!found || picture?.width !== mask.width || picture.height !== mask.height) return found
  const share = picture.known.get(stroke) ?? shareByColour(stroke, picture, found.box)
  picture.known.set(stroke, share)
  for (let at = 0; at < share.length; at++) found.coverage[at] *= share[at]
  return found
}

/**
 * Lowers the distances beyond the edge to those from one more piece.
 * @param {Float32Array} beyond
 * @param {Box} box
 * @param {Knot} first
 * @param {Knot} last
 * @param {Mask} mask
 */
function approach(beyond, box, first, last, mask) {
  const part = boxOf([first, last], Math.max(first.r, last.r) + 1, mask)
  if (!part) return
  const across = last.x - first.x
  const down = last.y - first.y
  const wider = last.r - first.r
  const square = across * across + down * down
  const radius = square ? first.r : Math.max(first.r, last.r)
  const columns = box.x1 - box.x0
  for (let row = part.y0; row < part.y1; row++) {
    const y = row + 0.5 - first.y
    let at = (row - box.y0) * columns + part.x0 - box.x0
    for (let column = part.x0; column < part.x1; column++, at++) {
      const x = column + 0.5 - first.x
      let along = square ? (x * across + y * down) / square : 0
      along = along < 0 ? 0 : along > 1 ? 1 : along
      const dx = x - along * across
      const dy = y - along * down
      const off = Math.sqrt(dx * dx + dy * dy) - radius - along * wider
      if (off < beyond[at]) beyond[at] = off
    }
  }
}

/**
 * @param {number} beyond
 * @param {number} ramp
 */
function profile(beyond, ramp) {
  const share = Math.min(1, Math.max(0, (0.5 - beyond) / ramp))
  return share + (share * share * (3 - 2 * share) - share) * (1 - 1 / ramp)
}

/** A brush stroke that grows under the hand: each move costs what the new piece of its line costs. */
export class LiveBrush {
  /**
   * @param {Mask} below the mask without the stroke
   * @param {Mask} shown the mask that the stroke is drawn into
   * @param {Stroke} stroke the brush; its points are not looked at
   */
  constructor(below, shown, stroke) {
    this.below = below
    this.shown = shown
    this.stroke = stroke
    this.radius = radiusOf(stroke, below)
    this.ramp = Math.max(1, (1 - stroke.hardness / 100) * this.radius)
    this.beyond = new Float32Array(below.values.length).fill(Infinity)
    /** @type {Knot | null} */
    this.last = null
    /** What may have changed so far. @type {Box | null} */
    this.box = null
  }

  /**
   * @param {number} x in pixels of the mask
   * @param {number} y
   * @param {number} pressure 0 to 1
   * @returns {Box | null} what may have changed by this move
   */
  extend(x, y, pressure) {
    const { below, radius } = this
    const knot = { x, y, r: radius * pressure }
    const line = [this.last ?? knot, knot]
    this.last = knot
    const all = { x0: 0, y0: 0, x1: below.width, y1: below.height }
    for (const [first, last] of pieces(line)) approach(this.beyond, all, first, last, below)
    const box = boxOf(line, radius + 1, below)
    if (box) this.blend(box)
    this.box = joinBoxes(this.box, box)
    return box
  }

  /** @param {Box} box */
  blend(box) {
    const { ramp, radius, stroke, below } = this
    const opacity = stroke.opacity / 100
    for (let y = box.y0; y < box.y1; y++) {
      for (let at = y * below.width + box.x0; at < y * below.width + box.x1; at++) {
        const off = this.beyond[at]
        const share = opacity * (profile(off, ramp) - (radius < 0.5 ? profile(off + 2 * radius, ramp) : 0))
        const value = below.values[at]
        this.shown.values[at] = stroke.erase ? value * (1 - share) : value + (1 - value) * share
      }
    }
  }
}

/**
 * @param {Mask} mask
 * @param {Stroke} stroke
 */
function coverArea(mask, stroke) {
  const corners = knotsOf(mask, stroke, 0)
  const box = boxOf(corners, 1, mask)
  if (!box) return null
  const columns = box.x1 - box.x0
  const size = columns * (box.y1 - box.y0)
  const square = new Float32Array(size).fill(REACH_PX * REACH_PX)
  const inside = new Uint8Array(size)
  corners.forEach((last, at) => {
    const first = corners[(at || corners.length) - 1]
    nearEdge(square, box, first, last, mask)
    crossEdge(inside, box, first, last)
  })
  for (let at = 0; at < size; at++) {
    const distance = Math.sqrt(square[at])
    square[at] = Math.min(1, Math.max(0, 0.5 + (inside[at] ? distance : -distance)))
  }
  return { box, coverage: square }
}

/**
 * @param {Float32Array} square
 * @param {Box} box
 * @param {Knot} first
 * @param {Knot} last
 * @param {Mask} mask
 */
function nearEdge(square, box, first, last, mask) {
  for (const [start, end] of pieces([first, last])) {
    const part = boxOf([start, end], 1, mask)
    if (!part) continue
    const across = end.x - start.x
    const down = end.y - start.y
    const length = Math.max(across * across + down * down, 1e-12)
    for (let row = part.y0; row < part.y1; row++) {
      const y = row + 0.5 - start.y
      let at = (row - box.y0) * (box.x1 - box.x0) + part.x0 - box.x0
      for (let column = part.x0; column < part.x1; column++, at++) {
        const x = column + 0.5 - start.x
        const share = (x * across + y * down) / length
        const along = share < 0 ? 0 : share > 1 ? 1 : share
        const dx = x - along * across
        const dy = y - along * down
        const found = dx * dx + dy * dy
        if (found < square[at]) square[at] = found
      }
    }
  }
}

/**
 * Turns inside and outside round for what lies left of an edge (even-odd rule).
 * @param {Uint8Array} inside
 * @param {Box} box
 * @param {Knot} first
 * @param {Knot} last
 */
function crossEdge(inside, box, first, last) {
  const columns = box.x1 - box.x0
  for (let row = box.y0; row < box.y1; row++) {
    const y = row + 0.5
    if (first.y <= y === last.y <= y) continue
    const crossing = first.x + ((y - first.y) * (last.x - first.x)) / (last.y - first.y)
    const start = (row - box.y0) * columns
    const end = Math.min(columns, Math.ceil(crossing - 0.5) - box.x0)
    for (let at = start; at < start + end; at++) inside[at] ^= 1
  }
}

/**
 * @param {Mask} mask
 * @param {Stroke} stroke
 */
function coverRegion(mask, stroke) {
  const { width, height, values } = mask
  const column = Math.min(width - 1, Math.max(0, Math.floor((stroke.points[0] * width) / UNIT)))
  const row = Math.min(height - 1, Math.max(0, Math.floor((stroke.points[1] * height) / UNIT)))
  const full = values[row * width + column] >= 0.5
  const coverage = new Float32Array(values.length)
  const pending = [row * width + column]
  coverage[pending[0]] = 1
  const visit = (/** @type {number} */ at) => {
    if (!coverage[at] && values[at] >= 0.5 === full) {
      coverage[at] = 1
      pending.push(at)
    }
  }
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (at % width > 0) visit(at - 1)
    if (at % width < width - 1) visit(at + 1)
    if (at >= width) visit(at - width)
    if (at < values.length - width) visit(at + width)
  }
  // Where a hole is filled or an island removed, its antialiased rim counts too.
  if (full === stroke.erase) addRim(mask, coverage, full)
  return { box: { x0: 0, y0: 0, x1: width, y1: height }, coverage }
}

/**
 * @param {Mask} mask
 * @param {Float32Array} coverage
 * @param {boolean} full
 */
function addRim({ width, height, values }, coverage, full) {
  const region = coverage.slice()
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!region[y * width + x]) continue
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
        for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
          const at = row * width + column
          if (values[at] >= 0.5 !== full) coverage[at] = 1
        }
      }
    }
  }
}
