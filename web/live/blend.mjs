// Blend Layers as a shader: the arithmetic of blending/mixing.py, one program per mode, at a proxy's size.
import { clearsOutside, keepsOpaque, MODES, MODES_GLSL, OPERATORS } from "./modes.mjs"

/** @typedef {import("./gpu.mjs").Gpu} Gpu */
/** @typedef {import("./gpu.mjs").Plane} Plane */
/** Values 0..1, four per pixel, by rows; opaque: it came without alpha.
 * @typedef {{width: number, height: number, values: Float32Array, opaque: boolean}} Picture */
/** offset: of the layer's top left corner in px of the proxy.
 * @typedef {{mode: string, opacity: number, space: string, operator: string, alpha: string, offset: number[],
 *   seed: number}} Settings */

/** As the shader counts them. @type {Record<string, number>} */
const SPACES = { sRGB: 0, linear: 1, OKLab: 2 }

const COLOURS = `
vec3 decode(vec3 encoded) {
  vec3 size = abs(encoded);
  vec3 curved = pow(max((size + .055) / 1.055, 1e-20), vec3(2.4));
  return sign(encoded) * mix(curved, size / 12.92, vec3(lessThanEqual(size, vec3(.04045))));
}
vec3 encode(vec3 linear) {
  vec3 size = abs(linear);
  vec3 curved = 1.055 * pow(max(size, 1e-8), vec3(1. / 2.4)) - .055;
  return sign(linear) * mix(curved, size * 12.92, vec3(lessThanEqual(size, vec3(.0031308))));
}
// B. Ottosson, "A perceptual color space for image processing" (2020). Matrices are written by columns.
const mat3 CONES = mat3(.4122214708, .2119034982, .0883024619, .5363325363, .6806995451, .2817188376,
  .0514459929, .1073969566, .6299787005);
const mat3 AXES = mat3(.2104542553, 1.9779984951, .0259040371, .7936177850, -2.4285922050, .7827717662,
  -.0040720468, .4505937099, -.8086757660);
const mat3 CONES_INVERSE = mat3(4.07674166135, -1.26843800409, -.00419608654184, -3.30771159041, 2.60975740066,
  -.703418614459, .230969928729, -.34131939631, 1.70761470093);
const mat3 AXES_INVERSE = mat3(.999999998451, 1.00000000888, 1.00000005467, .396337792174, -.105561342324,
  -.089484182095, .215803758061, -.0638541747717, -1.29148553786);
vec3 to_oklab(vec3 linear) {
  vec3 cones = CONES * linear;
  return AXES * (sign(cones) * pow(max(abs(cones), 1e-30), vec3(1. / 3.)));
}
vec3 from_oklab(vec3 lab) {
  vec3 cones = AXES_INVERSE * lab;
  return CONES_INVERSE * (cones * cones * cones);
}
`
// C. Wellons, "lowbias32" (2018), as in blending/dissolve.py.
const NOISE = `
uint scramble(uint number) {
  number = (number ^ (number >> 16)) * 0x7FEB352Du;
  number = (number ^ (number >> 15)) * 0x846CA68Bu;
  return number ^ (number >> 16);
}
float noise(ivec2 at) {
  uint hash = scramble(uint(at.x) + scramble(uint(at.y) + scramble(scramble(seed))));
  return float(hash >> 8) / 16777216.;
}
`
const MAIN = `
vec3 entered(vec3 colour) { return space == 2 ? to_oklab(decode(colour)) : colour; }
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy), on = at - offset, size = textureSize(layer, 0);
  vec4 below = texelFetch(base, at, 0);
  bool inside = on.x >= 0 && on.y >= 0 && on.x < size.x && on.y < size.y;
  vec4 above = inside ? texelFetch(layer, on, 0) : vec4(0.);
  float share = clamp(texelFetch(mask, at, 0).r, 0., 1.) * opacity;
  bool cut = premultiplied;
  if (dissolved) {
    share = noise(at) < share * clamp(above.a, 0., 1.) ? 1. : 0.;
    above.a = inside ? 1. : 0.;
    cut = false; // without its alpha a colour stays as it is
  }
  result = below;
  if ((!inside && !clears_outside) || share * (clears_outside ? 1. : clamp(above.a, 0., 1.)) <= 0.) return;
  vec2 alphas = clamp(vec2(below.a, above.a), 0., 1.);
  vec3 backdrop = premultiplied ? (alphas.x > 0. ? below.rgb / alphas.x : vec3(0.)) : below.rgb;
  vec3 source = cut ? (alphas.y > 0. ? above.rgb / alphas.y : vec3(0.)) : above.rgb;
  if (space == 1) { backdrop = decode(backdrop); source = decode(source); }
  vec3 blended = unit ? blend(clamp(backdrop, 0., 1.), clamp(source, 0., 1.)) : blend(backdrop, source);
  blended = entered(source + alphas.x * (blended - source));
  backdrop = entered(backdrop);
  float source_weight = share * alphas.y * (factors.x + factors.y * alphas.x);
  float backdrop_weight = alphas.x * (1. - share * (1. - (factors.z + factors.w * alphas.y)));
  float alpha = source_weight + backdrop_weight;
  vec3 mixed = source_weight * blended + backdrop_weight * backdrop;
  if (total > 0) {
    float limited = min(alpha, 1.);
    mixed = total == 1 ? min(mixed, 1.) : max(limited - (alpha - mixed), 0.);
    alpha = limited;
  }
  mixed /= max(alpha, 1e-20);
  vec3 colour = space == 2 ? encode(from_oklab(mixed)) : space == 1 ? encode(mixed) : mixed;
  result = vec4(premultiplied ? colour * alpha : colour, opaque ? 1. : alpha);
}`
/** @param {string} mode */
function shaderOf(mode) {
  const { glsl, any, dissolved } = MODES[mode]
  return `
uniform sampler2D base, layer, mask;
uniform ivec2 offset;
uniform vec4 factors;
uniform float opacity;
uniform uint seed;
uniform int space, total;
uniform bool premultiplied, clears_outside, opaque;
const bool unit = ${!any}, dissolved = ${Boolean(dissolved)};
out vec4 result;
${COLOURS}${NOISE}${MODES_GLSL}
vec3 blend(vec3 B, vec3 S) {
  ${glsl}
}
${MAIN}`
}
/** Over a checkerboard where there are holes. */
const SHOW = `
uniform sampler2D picture;
uniform bool premultiplied;
uniform int height;
out vec4 result;
void main() {
  ivec2 at = ivec2(gl_FragCoord.x, height - 1 - int(gl_FragCoord.y));
  vec4 pixel = clamp(texelFetch(picture, at, 0), 0., 1.);
  vec3 check = vec3(.35 + .15 * float((at.x / 8 + at.y / 8) & 1));
  result = vec4((premultiplied ? pixel.rgb : pixel.rgb * pixel.a) + check * (1. - pixel.a), 1.);
}`

/** The pictures of a run, ready for shaders. The layer is as large as it lies on the base. */
export class LayersSource {
  /**
   * @param {Picture} base
   * @param {Picture} layer
   * @param {Float32Array | null} mask of the base's size, null for everywhere
   */
  constructor(base, layer, mask) {
    this.base = base
    this.layer = layer
    this.mask = mask
    this.width = base.width
    this.height = base.height
    /** @type {{generation: number, base: Plane, layer: Plane, mask: Plane} | null} */
    this.held = null
  }

  /** @param {Gpu} gpu */
  planes(gpu) {
    if (this.held?.generation !== gpu.generation) {
      const { base, layer, width, height } = this
      const mask = this.mask ?? new Float32Array(width * height).fill(1)
      this.held = {
        generation: gpu.generation,
        base: gpu.upload(width, height, base.values, 4),
        layer: gpu.upload(layer.width, layer.height, layer.values, 4),
        mask: gpu.upload(width, height, mask),
      }
    }
    return this.held
  }

  /** @param {Gpu} gpu */
  free(gpu) {
    if (this.held && this.held.generation === gpu.generation) gpu.free(this.held.base, this.held.layer, this.held.mask)
    this.held = null
  }
}

/**
 * Why there is no shader for the settings: a key of TEXTS; "" where there is one.
 * @param {Settings} settings
 */
export function missingBlend({ mode, space, operator }) {
  if (!(mode in MODES)) return "no_mode"
  if (!(operator in OPERATORS)) return "no_operator"
  const own = MODES[mode].operator
  if (own && operator !== "source-over") return "not_together"
  return space === "OKLab" && OPERATORS[own ?? operator].total ? "not_together" : ""
}

/**
 * The blended picture, four numbers per pixel, in a plane of the pool.
 * @param {Gpu} gpu
 * @param {LayersSource} source
 * @param {Settings} settings
 * @returns {Plane}
 */
export function blendLayers(gpu, source, settings) {
  const mode = MODES[settings.mode]
  const operator = OPERATORS[mode.operator ?? settings.operator]
  const { base, layer, mask } = source.planes(gpu)
  const home = mode.linear ? "linear" : "sRGB"
  const target = gpu.target("blended layers", source.width, source.height, 4)
  const idle = (mode.operator ?? settings.operator) === "destination"
  gpu.pass(shaderOf(settings.mode), target, {
    base,
    layer,
    mask,
    offset: settings.offset,
    opacity: idle ? 0 : settings.opacity,
    factors: [...operator.source, ...operator.backdrop],
    total: operator.total ?? 0,
    seed: settings.seed >>> 0,
    space: SPACES[settings.space === "auto" ? home : settings.space],
    premultiplied: settings.alpha === "premultiplied",
    clears_outside: clearsOutside(operator),
    opaque: source.base.opaque && keepsOpaque(operator),
  })
  return target
}

/**
 * @param {Gpu} gpu
 * @param {Plane} picture
 * @param {HTMLCanvasElement} canvas
 * @param {boolean} premultiplied
 */
export function showLayers(gpu, picture, canvas, premultiplied) {
  gpu.show(canvas, SHOW, { picture, premultiplied })
}
