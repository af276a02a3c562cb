// The smart brush: the counterpart of segmentation/strokes/smart.py, which tells how it decides.
import { histogram, lookUp } from "./colours.mjs"
import { smoothed } from "./guided.mjs"
import { boxOf, knotsOf, pieces, radiusOf } from "./lines.mjs"

/** @typedef {import("./lines.mjs").Box} Box */
/** @typedef {import("./lines.mjs").Knot} Knot */
/** @typedef {import("./strokes.mjs").Stroke} Stroke */
/**
 * A picture in levels of 8 bits, four to a pixel. known: what was found of strokes over it, because they are drawn again.
 * @typedef {{width: number, height: number, data: Uint8ClampedArray, known: WeakMap<Stroke, Float32Array>}} Picture
 */

/** In radii of the brush: what its colours are taken from. */
export const CORE = 0.35
const REACH = 1.5
const LEAST_CORE_PX = 0.75
const LEAST_SHARE = 0.15
const FULL_SHARE = 0.35

/**
 * How much of each pixel in a box belongs to the stroke by its colour, 0 to 1.
 * @param {Stroke} stroke
 * @param {Picture} picture
 * @param {Box} box of the stroke
 * @returns {Float32Array}
 */
export function shareByColour(stroke, picture, box) {
  const radius = radiusOf(stroke, picture)
  const knots = knotsOf(picture, stroke, radius)
  const part = boxOf(knots, REACH * Math.max(radius, LEAST_CORE_PX) + 1, picture) ?? box
  const core = within(knots, (r) => Math.max(LEAST_CORE_PX, CORE * r), part, picture)
  const rest = within(knots, (r) => REACH * r, part, picture)
  for (let at = 0; at < rest.length; at++) if (core[at]) rest[at] = 0
  const inner = histogram(picture, part, core)
  const outer = histogram(picture, part, rest)
  const table = inner.map((share, node) => {
    const known = share + outer[node]
    return known ? Math.min(1, Math.max(0, (share / known - LEAST_SHARE) / (FULL_SHARE - LEAST_SHARE))) : 0
  })
  return smoothed(picture, box, (red, green, blue) => lookUp(table, red, green, blue))
}

/**
 * 1 where the middle of a pixel lies within the line.
 * @param {Knot[]} knots
 * @param {(radius: number) => number} radiusFrom
 * @param {Box} part
 * @param {Picture} size
 */
function within(knots, radiusFrom, part, size) {
  const columns = part.x1 - part.x0
  const inside = new Uint8Array(columns * (part.y1 - part.y0))
  const line = knots.map(({ x, y, r }) => ({ x, y, r: radiusFrom(r) }))
  for (const [first, last] of pieces(line)) {
    const near = boxOf([first, last], Math.max(first.r, last.r) + 1, size)
    if (!near) continue
    const across = last.x - first.x
    const down = last.y - first.y
    const square = across * across + down * down
    for (let row = near.y0; row < near.y1; row++) {
      const y = row + 0.5 - first.y
      let at = (row - part.y0) * columns + near.x0 - part.x0
      for (let column = near.x0; column < near.x1; column++, at++) {
        const x = column + 0.5 - first.x
        const along = square ? Math.min(1, Math.max(0, (x * across + y * down) / square)) : 0
        const dx = x - along * across
        const dy = y - along * down
        const radius = square ? along * (last.r - first.r) + first.r : Math.max(first.r, last.r)
        if (Math.sqrt(dx * dx + dy * dy) <= radius) inside[at] = 1
      }
    }
  }
  return inside
}
