// The shapes that a mask grows by, as lists of numbers for the shader: the rows of a shape with how far each reaches, and
// the pixels of a disk's rim one by one. The same shapes as in segmentation/spread.py.

/** How far values spread to each side, in px. @typedef {{left: number, right: number, top: number, bottom: number}} Reach */
/**
 * Eight numbers a row (down, pixels to the left, to the right, what it takes off; what the next pixel to the left and to
 * the right takes off, and two zeros), four a pixel of the rim (across, down, what it takes off, and a zero).
 * @typedef {{rows: number[], rim: number[]}} Shape
 */

/** How far a row reaches to one side. @type {Record<string, (down: number, far: number, side: number) => number>} */
const CHORDS = {
  round: (down, far, side) => Math.sqrt(far * far - down * down) * (side / far),
  square: (_down, _far, side) => side,
  diamond: (down, far, side) => (far - down) * (side / far),
}

/** @param {Reach} reach */
export function isEven({ left, right, top, bottom }) {
  return left === right && left === top && left === bottom
}

/**
 * @param {Reach} reach
 * @param {string} shape
 * @returns {Shape}
 */
export function shapeOf(reach, shape) {
  if (shape === "square") return { rows: squareRows(reach), rim: [] }
  return shape === "round" && isEven(reach) ? disk(reach.left, true) : { rows: chordRows(reach, CHORDS[shape]), rim: [] }
}

/**
 * @param {number} radius
 * @param {boolean} withRim whether a pixel just beyond the radius counts, less the fraction that it lies beyond
 * @returns {Shape}
 */
export function disk(radius, withRim) {
  const rows = []
  const rim = []
  const square = Math.floor(radius * radius)
  const most = Math.floor(radius) + 1
  for (let down = -most; down <= most; down++) {
    const span = Math.abs(down) <= radius ? Math.floor(Math.sqrt(square - down * down)) : -1
    if (span >= 0) rows.push(...row(down, span, span))
    const farthest = withRim ? most : span
    for (let across = span + 1; across <= farthest; across++) {
      const beyond = Math.hypot(down, across) - radius
      if (beyond >= 1) break
      rim.push(across, down, beyond, 0)
      if (across) rim.push(-across, down, beyond, 0)
    }
  }
  return { rows, rim }
}

/**
 * @param {Reach} reach
 * @param {(down: number, far: number, side: number) => number} chord
 */
function chordRows({ left, right, top, bottom }, chord) {
  const rows = []
  for (let down = -Math.floor(top) - 1; down <= Math.floor(bottom) + 1; down++) {
    const far = down > 0 ? bottom : top
    const side = (/** @type {number} */ most) => (far ? chord(Math.abs(down), far, most) : most)
    // What spreads downwards and to the left comes from above and from the right.
    if (Math.abs(down) <= far) rows.push(...row(-down, side(right), side(left)))
    else rows.push(...row(-down, 0, 0, Math.abs(down) - far))
  }
  return rows
}

/** @param {Reach} reach */
function squareRows({ left, right, top, bottom }) {
  const rows = []
  for (let down = -Math.floor(bottom) - 1; down <= Math.floor(top) + 1; down++) {
    const beyond = down < 0 ? -down - bottom : down - top
    if (beyond < 1) rows.push(...row(down, right, left, Math.max(0, beyond)))
  }
  return rows
}

/**
 * @param {number} down
 * @param {number} left
 * @param {number} right
 * @param {number} [less]
 */
function row(down, left, right, less = 0) {
  const [before, after] = [Math.floor(left), Math.floor(right)]
  return [down, before, after, less, 1 - (left - before), 1 - (right - after), 0, 0]
}
