// Exact Euclidean distances on a grid of pixels. A. Meijster, J. Roerdink, W. Hesselink, "A General Algorithm for Computing
// Distance Transforms in Linear Time" (2000): down the columns in two sweeps, then the lower envelope along each row.

/** How far everything is from nothing. */
export const NOWHERE = 1e9

/**
 * How far each pixel lies from the nearest pixel of a region, in px, 0 inside; `NOWHERE` where there is none.
 * @param {Uint8Array} region 1 inside, by rows
 * @param {number} width
 * @param {number} height
 */
export function distancesTo(region, width, height) {
  if (!region.includes(1)) return new Float32Array(width * height).fill(NOWHERE)
  const far = width + height
  const rows = new Int32Array(width * height) // to the nearest in the column
  for (let x = 0; x < width; x++) rows[x] = region[x] ? 0 : far
  for (let at = width; at < rows.length; at++) rows[at] = region[at] ? 0 : Math.min(far, rows[at - width] + 1)
  for (let at = rows.length - width - 1; at >= 0; at--) {
    if (rows[at + width] < rows[at]) rows[at] = rows[at + width] + 1
  }
  const result = new Float32Array(width * height)
  const columns = new Int32Array(width) // of the envelope's parabolas
  const starts = new Int32Array(width) // from where on each is the lowest
  for (let first = 0; first < rows.length; first += width) {
    let last = 0
    columns[0] = starts[0] = 0
    const square = (/** @type {number} */ x, /** @type {number} */ column) =>
      (x - column) * (x - column) + rows[first + column] * rows[first + column]
    for (let x = 1; x < width; x++) {
      while (last >= 0 && square(starts[last], columns[last]) > square(starts[last], x)) last--
      if (last < 0) {
        last = 0
        columns[0] = x
        continue
      }
      const column = columns[last]
      const rise = x * x - column * column + rows[first + x] ** 2 - rows[first + column] ** 2
      const start = 1 + Math.floor(rise / (2 * (x - column)))
      if (start < width) {
        columns[++last] = x
        starts[last] = start
      }
    }
    for (let x = width - 1; x >= 0; x--) {
      result[first + x] = Math.sqrt(square(x, columns[last]))
      if (x === starts[last]) last--
    }
  }
  return result
}
