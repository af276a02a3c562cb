// What the canvas shows: the photo and the automatic mask of the node's last run, or the photo alone before it.
import { viewUrl } from "../shared/pictures.mjs"

/** @typedef {import("./raster.mjs").Mask} Mask */
/** @typedef {import("./smart.mjs").Picture} Picture */
/**
 * url: of the photo. fileUrl: of it with the mask as its hole. workUrl: of the photo at the canvas's size, where it is
 * another. image, mask: their digests.
 * @typedef {{url: string, fileUrl: string, workUrl: string, image: string, mask: string}} Source
 */

const LONG_SIDE_PX = 1024

/**
 * What an output of the node says: its picture, whose hole is the automatic mask, and the digests of both.
 * @param {any} output
 * @param {any} api
 * @returns {Source | null}
 */
export function ofOutput(output, api) {
  const file = output?.images?.[0]
  if (!file) return null
  const digests = output.hemline?.[0] ?? {}
  const work = digests.pictures?.work?.[0]
  return {
    url: viewUrl(file, api, "rgb"),
    fileUrl: viewUrl(file, api),
    workUrl: work ? viewUrl(work, api) : "",
    image: digests.image ?? "",
    mask: digests.mask ?? "",
  }
}

/**
 * The size that the canvas works at.
 * @param {HTMLImageElement} picture
 */
export function workSize(picture) {
  const scale = Math.min(1, LONG_SIDE_PX / Math.max(picture.naturalWidth, picture.naturalHeight))
  return {
    width: Math.max(1, Math.round(picture.naturalWidth * scale)),
    height: Math.max(1, Math.round(picture.naturalHeight * scale)),
  }
}

/**
 * A mask of that size: 1 - alpha of the picture, 0 without one.
 * @param {HTMLImageElement | null} holes
 * @param {{width: number, height: number}} size
 * @returns {Mask}
 */
export function maskOf(holes, { width, height }) {
  const values = new Float32Array(width * height)
  if (holes) {
    const { data } = pixelsOf(holes, { width, height })
    for (let at = 0; at < values.length; at++) values[at] = 1 - data[4 * at + 3] / 255
  }
  return { width, height, values }
}

/**
 * What smart strokes take their colours from.
 * @param {HTMLImageElement} photo
 * @param {{width: number, height: number}} size
 * @returns {Picture}
 */
export function pictureOf(photo, { width, height }) {
  return { width, height, data: pixelsOf(photo, { width, height }).data, known: new WeakMap() }
}

/**
 * @param {HTMLImageElement} picture
 * @param {{width: number, height: number}} size
 */
function pixelsOf(picture, { width, height }) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })
  if (!context) throw new Error("the browser has no 2D canvas")
  context.imageSmoothingQuality = "high"
  context.drawImage(picture, 0, 0, width, height)
  return context.getImageData(0, 0, width, height)
}
