// Histograms of colours: the counterpart of `_histogram` and `_belonging` in segmentation/strokes/smart.py.

/** @typedef {import("./lines.mjs").Box} Box */
/** @typedef {import("./smart.mjs").Picture} Picture */

// By r + 2g + b, r - b + 255 and 2g - r - b + 510: cells, nodes at their borders, and from one node to the next.
const CELLS = [51, 15, 30]
const NODES = [22, 36, 36]
const STEPS = [NODES[1] * NODES[2], NODES[2], 1]
const [FAR, MIDDLE] = STEPS

// Of each level of an axis the node below it, and how far it is from there to the next.
const [BRIGHT, WARM, GREEN] = [1020, 510, 1020].map((highest, axis) => {
  const levels = Array.from({ length: highest + 1 }, (_, level) => level)
  const cells = levels.map((level) => Math.floor(level / CELLS[axis]))
  return {
    nodes: Int32Array.from(cells, (cell) => cell * STEPS[axis]),
    offs: Float64Array.from(levels, (level) => (level - cells[level] * CELLS[axis]) / CELLS[axis]),
  }
})

/**
 * The shares of the colours among some pixels of a part of the picture, by node.
 * @param {Picture} picture
 * @param {Box} part
 * @param {Uint8Array} among 1 for the pixels that count
 * @returns {Float64Array}
 */
export function histogram({ width, data }, part, among) {
  const counts = new Float64Array(NODES[0] * NODES[1] * NODES[2])
  let number = 0
  let from = 0
  for (let y = part.y0; y < part.y1; y++) {
    for (let at = 4 * (y * width + part.x0); at < 4 * (y * width + part.x1); at += 4, from++) {
      if (!among[from]) continue
      count(counts, data[at], data[at + 1], data[at + 2])
      number++
    }
  }
  let shares = counts.map((one) => one / Math.max(1, number))
  for (let axis = 0; axis < 3; axis++) shares = widened(shares, STEPS[axis], NODES[axis])
  return shares
}

/**
 * Counts a pixel for the eight nodes around its colour.
 * @param {Float64Array} counts
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
function count(counts, red, green, blue) {
  const [bright, warm, greener] = [red + 2 * green + blue, red - blue + 255, 2 * green - red - blue + 510]
  const node = BRIGHT.nodes[bright] + WARM.nodes[warm] + GREEN.nodes[greener]
  const [a, b, c] = [BRIGHT.offs[bright], WARM.offs[warm], GREEN.offs[greener]]
  const [ab, aB, Ab, AB] = [(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b]
  counts[node] += ab * (1 - c)
  counts[node + 1] += ab * c
  counts[node + MIDDLE] += aB * (1 - c)
  counts[node + MIDDLE + 1] += aB * c
  counts[node + FAR] += Ab * (1 - c)
  counts[node + FAR + 1] += Ab * c
  counts[node + FAR + MIDDLE] += AB * (1 - c)
  counts[node + FAR + MIDDLE + 1] += AB * c
}

/**
 * What a table of the nodes says of a colour, between the eight around it.
 * @param {Float64Array} table
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
export function lookUp(table, red, green, blue) {
  const [bright, warm, greener] = [red + 2 * green + blue, red - blue + 255, 2 * green - red - blue + 510]
  const node = BRIGHT.nodes[bright] + WARM.nodes[warm] + GREEN.nodes[greener]
  const [a, b, c] = [BRIGHT.offs[bright], WARM.offs[warm], GREEN.offs[greener]]
  const near = (1 - b) * between(table, node, c) + b * between(table, node + MIDDLE, c)
  const far = (1 - b) * between(table, node + FAR, c) + b * between(table, node + FAR + MIDDLE, c)
  return (1 - a) * near + a * far
}

/**
 * @param {Float64Array} table
 * @param {number} node
 * @param {number} off
 */
function between(table, node, off) {
  return (1 - off) * table[node] + off * table[node + 1]
}

/**
 * Each node with its neighbours along an axis, weighted 1, 2, 1.
 * @param {Float64Array} shares
 * @param {number} step from one node to the next along the axis
 * @param {number} size of the axis
 */
function widened(shares, step, size) {
  return shares.map((share, at) => {
    const place = Math.floor(at / step) % size
    return (place > 0 ? shares[at - step] : 0) + 2 * share + (place < size - 1 ? shares[at + step] : 0)
  })
}
