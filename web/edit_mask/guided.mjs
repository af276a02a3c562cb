// Values laid on the picture's edges: the guided filter, the counterpart of `window_coefficients` in segmentation/refine.py.

/** @typedef {import("./lines.mjs").Box} Box */
/** @typedef {import("./smart.mjs").Picture} Picture */

const WINDOW_PX = 3
const EPSILON = 1e-3

/**
 * What colours are worth, in a box of the picture, smoothed along its edges; 0 to 1.
 * @param {Picture} picture
 * @param {Box} box
 * @param {(red: number, green: number, blue: number) => number} worth of a colour in levels
 * @returns {Float32Array}
 */
export function smoothed(picture, box, worth) {
  // Two windows farther: with less, the windows at the border would lack pixels that are there.
  const part = {
    x0: Math.max(0, box.x0 - 2 * WINDOW_PX),
    y0: Math.max(0, box.y0 - 2 * WINDOW_PX),
    x1: Math.min(picture.width, box.x1 + 2 * WINDOW_PX),
    y1: Math.min(picture.height, box.y1 + 2 * WINDOW_PX),
  }
  const { colours, values } = planesOf(picture, part, worth)
  const columns = part.x1 - part.x0
  const found = windowCoefficients(colours, values, columns)
  const shares = new Float32Array((box.x1 - box.x0) * (box.y1 - box.y0))
  let to = 0
  for (let row = box.y0 - part.y0; row < box.y1 - part.y0; row++) {
    for (let at = row * columns + box.x0 - part.x0; at < row * columns + box.x1 - part.x0; at++) {
      const share = colours[0][at] * found[0][at] + colours[1][at] * found[1][at] + colours[2][at] * found[2][at]
      shares[to++] = Math.min(1, Math.max(0, share + found[3][at]))
    }
  }
  return shares
}

/**
 * @param {Picture} picture
 * @param {Box} part
 * @param {(red: number, green: number, blue: number) => number} worth
 */
function planesOf({ width, data }, part, worth) {
  const size = (part.x1 - part.x0) * (part.y1 - part.y0)
  const [red, green, blue, values] = Array.from({ length: 4 }, () => new Float32Array(size))
  let to = 0
  for (let y = part.y0; y < part.y1; y++) {
    for (let at = 4 * (y * width + part.x0); at < 4 * (y * width + part.x1); at += 4, to++) {
      red[to] = data[at] / 255 - 0.5
      green[to] = data[at + 1] / 255 - 0.5
      blue[to] = data[at + 2] / 255 - 0.5
      values[to] = worth(data[at], data[at + 1], data[at + 2])
    }
  }
  return { colours: [red, green, blue], values }
}

/**
 * Slopes and offset of the linear functions that turn colours into values.
 * @param {Float32Array[]} colours
 * @param {Float32Array} values
 * @param {number} columns
 */
function windowCoefficients([red, green, blue], values, columns) {
  const mean = (/** @type {Float32Array} */ plane) => boxMean(plane, columns)
  const [r, g, b, v] = [red, green, blue, values].map(mean)
  const [rv, gv, bv] = [red, green, blue].map((plane) => mean(product(plane, values)))
  const [rr, rg, rb] = [red, green, blue].map((plane) => mean(product(red, plane)))
  const [gg, gb, bb] = [mean(product(green, green)), mean(product(green, blue)), mean(product(blue, blue))]
  const [slopeR, slopeG, slopeB, offset] = [rv, gv, bv, v] // in place of what they are solved from
  for (let at = 0; at < values.length; at++) {
    const meanR = r[at]
    const meanG = g[at]
    const meanB = b[at]
    const meanV = v[at]
    const varRR = rr[at] - meanR * meanR + EPSILON
    const varRG = rg[at] - meanR * meanG
    const varRB = rb[at] - meanR * meanB
    const lowerGR = varRG / varRR
    const lowerBR = varRB / varRR
    const pivotG = gg[at] - meanG * meanG + EPSILON - lowerGR * varRG
    const restGB = gb[at] - meanG * meanB - lowerGR * varRB
    const lowerBG = restGB / pivotG
    const pivotB = bb[at] - meanB * meanB + EPSILON - lowerBR * varRB - lowerBG * restGB
    const rightR = rv[at] - meanR * meanV
    const rightG = gv[at] - meanG * meanV - lowerGR * rightR
    const rightB = bv[at] - meanB * meanV - lowerBR * rightR - lowerBG * rightG
    slopeB[at] = rightB / pivotB
    slopeG[at] = rightG / pivotG - lowerBG * slopeB[at]
    slopeR[at] = rightR / varRR - lowerGR * slopeG[at] - lowerBR * slopeB[at]
    offset[at] = meanV - slopeR[at] * meanR - slopeG[at] * meanG - slopeB[at] * meanB
  }
  return [slopeR, slopeG, slopeB, offset].map(mean)
}

/**
 * @param {Float32Array} one
 * @param {Float32Array} other
 */
function product(one, other) {
  const found = new Float32Array(one.length)
  for (let at = 0; at < found.length; at++) found[at] = one[at] * other[at]
  return found
}

/**
 * The mean over the square window around each pixel, over the part of it that is there.
 * @param {Float32Array} plane
 * @param {number} columns
 */
function boxMean(plane, columns) {
  const rows = plane.length / columns
  const across = new Float32Array(plane.length)
  for (let start = 0; start < plane.length; start += columns) rowMean(plane, across, start, columns)
  const found = new Float32Array(plane.length)
  const sums = new Float64Array(columns)
  for (let row = 0; row < Math.min(WINDOW_PX, rows); row++) addRow(sums, across, row * columns, 1)
  for (let row = 0; row < rows; row++) {
    if (row + WINDOW_PX < rows) addRow(sums, across, (row + WINDOW_PX) * columns, 1)
    if (row > WINDOW_PX) addRow(sums, across, (row - WINDOW_PX - 1) * columns, -1)
    const share = 1 / heldAt(row, rows)
    for (let column = 0, at = row * columns; column < columns; column++, at++) found[at] = sums[column] * share
  }
  return found
}

/**
 * @param {Float32Array} from
 * @param {Float32Array} to
 * @param {number} start
 * @param {number} count
 */
function rowMean(from, to, start, count) {
  let sum = 0
  for (let at = 0; at < Math.min(WINDOW_PX, count); at++) sum += from[start + at]
  for (let at = 0; at < count; at++) {
    if (at + WINDOW_PX < count) sum += from[start + at + WINDOW_PX]
    if (at > WINDOW_PX) sum -= from[start + at - WINDOW_PX - 1]
    to[start + at] = sum / heldAt(at, count)
  }
}

/**
 * @param {Float64Array} sums
 * @param {Float32Array} from
 * @param {number} start
 * @param {number} sign
 */
function addRow(sums, from, start, sign) {
  for (let column = 0; column < sums.length; column++) sums[column] += sign * from[start + column]
}

/**
 * How many pixels of a window are there, along one axis.
 * @param {number} at
 * @param {number} count
 */
function heldAt(at, count) {
  return Math.min(count - 1, at + WINDOW_PX) - Math.max(0, at - WINDOW_PX) + 1
}
