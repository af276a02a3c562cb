// What the live preview of each node needs: its widgets, its pictures, and how both become a picture.
import { LayersSource, blendLayers, missingBlend, showLayers } from "./blend.mjs"
import { MaskSource, growFeather, missingGrowFeather, showMask } from "./grow_feather.mjs"

/** @typedef {import("./gpu.mjs").Gpu} Gpu */
/** @typedef {import("./texts.mjs").Texts} Texts */
/** What the node's widgets hold, by name. @typedef {Record<string, any>} Values */
/** What the host sent beside the pictures. @typedef {Record<string, string>} Data */
/** The pictures of a run by name. @typedef {Record<string, ImageBitmap>} Bitmaps */
/** @typedef {{width: number, height: number, free(gpu: Gpu): void}} Source */
/**
 * wires: inputs whose change makes the last run's pictures old. settings: the widgets that the preview depends on. views:
 * ways to look at it, keys of the texts. label: of the canvas. source: the pictures made ready for shaders. missing: why
 * there is no preview with these values, a key of the texts, "" where there is one. draw: onto the canvas.
 * @typedef {{wires: string[], settings: string[], views: (keyof Texts)[], label: keyof Texts,
 *   source(gpu: Gpu, bitmaps: Bitmaps, data: Data): Source,
 *   missing(values: Values, data: Data, bitmaps: Bitmaps, source: any): keyof Texts | "",
 *   draw(gpu: Gpu, source: any, values: Values, data: Data, canvas: HTMLCanvasElement, view: number): void}} Kind
 */

const PERCENT = "% of the mask's size"
const SIDES = ["left", "right", "top", "bottom"]
const LIMIT_PX = 512 // of the node, in its pictures' own pixels

/** @type {Record<string, Kind>} */
export const KINDS = {
  HemlineGrowFeatherMask: {
    wires: ["mask", "image"],
    settings: ["grow", "feather", "side", "shape", "profile", "unit", ...SIDES],
    views: ["over_photo", "matte", "cut_out"],
    label: "mask_label",
    source(gpu, { mask, image }) {
      const photo = image ? valuesOf(gpu, image) : null
      return new MaskSource(mask.width, mask.height, firstChannel(valuesOf(gpu, mask)), photo)
    },
    missing: (values, data, { mask }) => missingGrowFeather(maskSettings(values, data, mask), LIMIT_PX * scaleOf(data, mask)),
    draw(gpu, source, values, data, canvas, view) {
      showMask(gpu, source, growFeather(gpu, source, maskSettings(values, data, source)), canvas, view)
    },
  },
  HemlineBlendLayers: {
    wires: ["base", "layer", "mask"],
    settings: [
      "mode", "opacity", "space", "fit", "operator", "alpha", "offset_x", "offset_y", "dissolve_seed",
    ],
    views: [],
    label: "layers_label",
    source(gpu, { base, layer, mask }) {
      const picture = (/** @type {ImageBitmap} */ bitmap) => {
        const values = valuesOf(gpu, bitmap)
        const opaque = values.every((value, at) => at % 4 !== 3 || value === 1)
        return { width: bitmap.width, height: bitmap.height, values, opaque }
      }
      return new LayersSource(picture(base), picture(layer), mask ? firstChannel(valuesOf(gpu, mask)) : null)
    },
    missing(values, data, { layer }, source) {
      if (!layer) return "large_layer"
      if (data.fit && data.fit !== values.fit) return "other_fit"
      if (data.alpha !== values.alpha && source && !(source.base.opaque && source.layer.opaque)) return "other_alpha"
      return missingBlend(layerSettings(values, data, layer))
    },
    draw(gpu, source, values, data, canvas) {
      const blended = blendLayers(gpu, source, layerSettings(values, data, source))
      showLayers(gpu, blended, canvas, values.alpha === "premultiplied")
    },
  },
}

/**
 * How many px of the proxy a px of the node's picture is.
 * @param {Data} data
 * @param {{width: number, height: number}} proxy
 */
function scaleOf({ width, height }, proxy) {
  return Math.max(proxy.width, proxy.height) / Math.max(Number(width), Number(height))
}

/**
 * @param {Values} values
 * @param {Data} data
 * @param {{width: number, height: number}} proxy
 */
function maskSettings(values, data, proxy) {
  const { side, shape, profile } = values
  const px = scaleOf(data, proxy) * (values.unit === PERCENT ? Number(data.size_px) / 100 : 1)
  const sides = SIDES.map((name) => Number(values[name]))
  return { grow: values.grow * px, feather: values.feather * px, side, shape, profile, sides }
}

/**
 * @param {Values} values
 * @param {Data} data
 * @param {{width: number, height: number}} proxy of the base
 */
function layerSettings(values, data, proxy) {
  const { mode, opacity, space, operator, alpha } = values
  const across = proxy.width / Number(data.width)
  const down = proxy.height / Number(data.height)
  const offset = [
    Math.round((Number(data.x) + values.offset_x) * across),
    Math.round((Number(data.y) + values.offset_y) * down),
  ]
  return { mode, opacity, space, operator, alpha, offset, seed: values.dissolve_seed }
}

/**
 * @param {Gpu} gpu
 * @param {ImageBitmap} bitmap
 */
function valuesOf(gpu, bitmap) {
  return Float32Array.from(gpu.bytes(bitmap), (byte) => byte / 255)
}

/** @param {Float32Array} values */
function firstChannel(values) {
  return values.filter((_, at) => at % 4 === 0)
}
