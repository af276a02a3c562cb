// What the canvas shows: the photo and the automatic mask of the node's last run, or the photo alone before it.

/** @typedef {import("./raster.mjs").Mask} Mask */
/**
 * url: of the photo. maskUrl: of its alpha. fileUrl: of both. image, mask: their digests.
 * @typedef {{url: string, maskUrl: string, fileUrl: string, image: string, mask: string}} Source
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
  return {
    url: viewUrl(file, api, "rgb"),
    maskUrl: viewUrl(file, api, "a"),
    fileUrl: viewUrl(file, api),
    image: digests.image ?? "",
    mask: digests.mask ?? "",
  }
}

/**
 * The picture that a Load Image node gives to the node, straight or over reroutes; "" where there is none.
 * @param {any} node
 * @param {any} api
 */
export function upstreamUrl(node, api) {
  let origin = originOf(node, "picture")
  for (let steps = 0; origin?.type === "Reroute" && steps < 64; steps++) origin = originOf(origin, 0)
  if (!origin?.comfyClass?.startsWith("LoadImage")) return ""
  const name = origin.widgets?.find((/** @type {any} */ widget) => widget.name === "image")?.value
  const parts = typeof name === "string" ? /^(.*?)(?: \[(input|output|temp)\])?$/.exec(name) : null
  if (!parts?.[1]) return ""
  const folders = parts[1].split("/")
  return viewUrl({ filename: folders.pop(), subfolder: folders.join("/"), type: parts[2] ?? "input" }, api, "rgb")
}

/**
 * @param {any} node
 * @param {string | number} input its name or its place
 */
function originOf(node, input) {
  const at = typeof input === "number" ? input : node.findInputSlot(input)
  return at < 0 ? null : node.getInputNode(at)
}

/**
 * @param {any} file
 * @param {any} api
 * @param {string} [channel] all if absent
 */
function viewUrl({ filename, subfolder, type }, api, channel) {
  const query = { filename, subfolder, type, ...(channel ? { channel } : {}) }
  return api.apiURL(`/view?${new URLSearchParams(query)}`)
}

/** @param {string} url */
export async function loadPicture(url) {
  const picture = new Image()
  picture.src = url
  await picture.decode()
  return picture
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
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })
    if (!context) throw new Error("the browser has no 2D canvas")
    context.imageSmoothingQuality = "high"
    context.drawImage(holes, 0, 0, width, height)
    const { data } = context.getImageData(0, 0, width, height)
    for (let at = 0; at < values.length; at++) values[at] = 1 - data[4 * at + 3] / 255
  }
  return { width, height, values }
}
