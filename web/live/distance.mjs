// Exact Euclidean distances on a grid of pixels. A. Meijster, J. Roerdink, W. Hesselink, "A General Algorithm for Computing
// Distance Transforms in Linear Time" (2000): down the columns in two sweeps, then the lower envelope along each row.

/** How far everything is from nothing. */
const NOWHERE = 1e9

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
  const squares = new Int32Array(width) // of the ways down the columns, of one row
  const columns = new Int32Array(width) // of the envelope's parabolas
  const starts = new Int32Array(width) // from where on each is the lowest
  for (let first = 0; first < rows.length; first += width) {
    for (let x = 0; x < width; x++) squares[x] = rows[first + x] * rows[first + x]
    let last = 0
    columns[0] = starts[0] = 0
    for (let x = 1; x < width; x++) {
      const own = squares[x]
      while (last >= 0) {
        const [start, column] = [starts[last], columns[last]]
        if ((start - column) ** 2 + squares[column] <= (start - x) ** 2 + own) break
        last--
      }
      if (last < 0) {
        last = 0
        columns[0] = x
        continue
      }
      const column = columns[last]
      const start = 1 + Math.floor((x * x - column * column + own - squares[column]) / (2 * (x - column)))
      if (start < width) {
        columns[++last] = x
        starts[last] = start
      }
    }
    for (let x = width - 1; x >= 0; x--) {
      const column = columns[last]
      result[first + x] = Math.sqrt((x - column) ** 2 + squares[column])
      if (x === starts[last]) last--
    }
  }
  return result
}
