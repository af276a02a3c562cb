// What the views make of pictures, pixel by pixel: the same as blending/views.py and overlay_mask in blending/compare.py,
// within 2/255; a test holds them together.

/** Straight alpha, 8 bits. @typedef {{width: number, height: number, data: Uint8ClampedArray}} Pixels */
/** x0 y0 x1 y1 in pixels, end exclusive. @typedef {[number, number, number, number]} Box */

export const VIEWS = /** @type {const} */ ([
  "overlay", "matte", "checkerboard", "A/B", "side by side", "difference", "A", "B",
])
export const NEED_MASK = ["overlay", "matte", "checkerboard"]
export const NEED_B = ["A/B", "side by side", "difference", "B"]
/** Okabe & Ito's colours (2008), which colour-blind people tell apart. @type {Record<string, [number, number, number]>} */
export const COLOURS = {
  blue: [0.34, 0.71, 0.91],
  orange: [0.9, 0.62, 0.0],
  green: [0.0, 0.62, 0.45],
  purple: [0.8, 0.47, 0.65],
  yellow: [0.94, 0.89, 0.26],
  red: [0.84, 0.37, 0.0],
}
const LIGHT_SQUARE = 204
const DARK_SQUARE = 153
const SQUARES = 32

/** @param {Pixels} picture */
export function isOpaque({ data }) {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false
  return true
}

/**
 * The picture over a checkerboard, seen through its alpha and through a mask.
 * @param {Pixels} picture
 * @param {Pixels | null} [mask]
 * @returns {Pixels}
 */
export function onCheckerboard(picture, mask = null) {
  const { width, height, data } = picture
  const shown = blank(width, height)
  const square = Math.max(1, Math.floor((Math.min(width, height) + SQUARES / 2) / SQUARES))
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor(y / square)
    for (let x = 0; x < width; x++, at += 4) {
      const ground = (row + Math.floor(x / square)) % 2 ? DARK_SQUARE : LIGHT_SQUARE
      const alpha = (data[at + 3] / 255) * (mask ? mask.data[at] / 255 : 1)
      for (let channel = at; channel < at + 3; channel++) {
        shown.data[channel] = ground + alpha * (data[channel] - ground)
      }
    }
  }
  return shown
}

/**
 * An opaque picture with a mask laid over it as a tint.
 * @param {Pixels} picture
 * @param {Pixels} mask
 * @param {[number, number, number]} colour
 * @param {number} opacity
 * @returns {Pixels}
 */
export function overlayMask({ width, height, data }, mask, colour, opacity) {
  const shown = blank(width, height)
  const [red, green, blue] = colour.map((share) => share * 255)
  const scale = opacity / 255
  for (let at = 0; at < data.length; at += 4) {
    const share = mask.data[at] * scale
    shown.data[at] = data[at] + share * (red - data[at])
    shown.data[at + 1] = data[at + 1] + share * (green - data[at + 1])
    shown.data[at + 2] = data[at + 2] + share * (blue - data[at + 2])
  }
  return shown
}

/**
 * How far two pictures are apart, on black or on white, whichever is more, times `gain`; black beside `reach`.
 * @param {Pixels} first
 * @param {Pixels} second
 * @param {number} gain
 * @param {Box | null} [reach]
 * @returns {Pixels}
 */
export function amplifyDifference(first, second, gain, reach = null) {
  const { width, height } = first
  const [left, top, right, bottom] = reach ?? [0, 0, width, height]
  const shown = blank(width, height)
  for (let y = top; y < bottom; y++) {
    for (let x = left, at = 4 * (y * width + left); x < right; x++, at += 4) {
      const one = first.data[at + 3] / 255
      const other = second.data[at + 3] / 255
      const alpha = 255 * (one - other)
      for (let channel = at; channel < at + 3; channel++) {
        const apart = first.data[channel] * one - second.data[channel] * other
        shown.data[channel] = gain * Math.max(Math.abs(apart), Math.abs(apart - alpha))
      }
    }
  }
  return shown
}

/**
 * A black picture.
 * @param {number} width
 * @param {number} height
 * @returns {Pixels}
 */
function blank(width, height) {
  const data = new Uint8ClampedArray(4 * width * height)
  for (let at = 3; at < data.length; at += 4) data[at] = 255
  return { width, height, data }
}
