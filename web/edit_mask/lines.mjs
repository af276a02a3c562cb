// A stroke's line on the pixels: the counterpart of segmentation/strokes/lines.py.
import { RADIUS_UNIT, UNIT } from "./strokes.mjs"

/** @typedef {import("./strokes.mjs").Stroke} Stroke */
/** @typedef {{width: number, height: number}} Size */
/** Pixels from x0, y0 to below x1, y1. @typedef {{x0: number, y0: number, x1: number, y1: number}} Box */
/** A point of a line with the radius there. @typedef {{x: number, y: number, r: number}} Knot */

const PIECE_PX = 64

/**
 * The brush's radius in pixels, at full pressure.
 * @param {Stroke} stroke
 * @param {Size} size
 */
export function radiusOf(stroke, { width, height }) {
  return (stroke.radius * Math.min(width, height)) / RADIUS_UNIT
}

/**
 * @param {Size} size
 * @param {Stroke} stroke
 * @param {number} radius
 * @returns {Knot[]}
 */
export function knotsOf(size, stroke, radius) {
  const knots = []
  for (let at = 0; at < stroke.points.length; at += 2) {
    knots.push({
      x: (stroke.points[at] * size.width) / UNIT,
      y: (stroke.points[at + 1] * size.height) / UNIT,
      r: stroke.pressure.length ? (radius * stroke.pressure[at / 2]) / 100 : radius,
    })
  }
  return knots
}

/**
 * The line in short pieces, because the box of a short one holds fewer pixels in vain.
 * @param {Knot[]} knots
 * @returns {Generator<[Knot, Knot]>}
 */
export function* pieces(knots) {
  if (knots.length === 1) yield [knots[0], knots[0]]
  for (let at = 1; at < knots.length; at++) {
    const [first, last] = [knots[at - 1], knots[at]]
    const length = Math.hypot(last.x - first.x, last.y - first.y)
    const count = Math.max(1, Math.ceil(length / Math.max(PIECE_PX, 2 * Math.max(first.r, last.r))))
    for (let step = 0; step < count; step++) {
      yield [between(first, last, step / count), between(first, last, (step + 1) / count)]
    }
  }
}

/**
 * @param {Knot} first
 * @param {Knot} last
 * @param {number} share
 * @returns {Knot}
 */
function between(first, last, share) {
  const mix = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * share
  return { x: mix(first.x, last.x), y: mix(first.y, last.y), r: mix(first.r, last.r) }
}

/**
 * The smallest box around both.
 * @param {Box | null} one
 * @param {Box | null} other
 */
export function joinBoxes(one, other) {
  if (!one || !other) return one ?? other
  return {
    x0: Math.min(one.x0, other.x0),
    y0: Math.min(one.y0, other.y0),
    x1: Math.max(one.x1, other.x1),
    y1: Math.max(one.y1, other.y1),
  }
}

/**
 * The pixels of the frame within `margin` of the points' box; null where there are none.
 * @param {{x: number, y: number}[]} points
 * @param {number} margin
 * @param {Size} size
 * @returns {Box | null}
 */
export function boxOf(points, margin, size) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const { x, y } of points) {
    if (x < left) left = x
    if (x > right) right = x
    if (y < top) top = y
    if (y > bottom) bottom = y
  }
  const box = {
    x0: Math.max(0, Math.floor(left - margin)),
    y0: Math.max(0, Math.floor(top - margin)),
    x1: Math.min(size.width, Math.ceil(right + margin)),
    y1: Math.min(size.height, Math.ceil(bottom + margin)),
  }
  return box.x0 < box.x1 && box.y0 < box.y1 ? box : null
}
