// Grow & Feather Mask as shaders: the mathematics of segmentation/shape.py, spread.py and feather.py at a proxy's size.
//
// Far from the mask's edge every pixel stays 0 or 1. How far is known beforehand from four exact distances per pixel, which
// no slider changes; so the shaders work in a band along the edge only.
import { distancesTo } from "./distance.mjs"
import { LIST_GLSL } from "./gpu.mjs"
import { disk, isEven, shapeOf } from "./spread.mjs"

/** @typedef {import("./gpu.mjs").Gpu} Gpu */
/** @typedef {import("./gpu.mjs").Plane} Plane */
/** @typedef {import("./spread.mjs").Reach} Reach */
/** Lengths in px of the proxy. sides: left, right, top, bottom in percent.
 * @typedef {{grow: number, feather: number, side: string, shape: string, profile: string, sides: number[]}} Settings */
/**
 * Where a plane is surely 0: farther than `noneBeyond` from everything, or within `noneWithin` of what was 0. And where
 * surely 1: farther than `allBeyond` from what was less, or within `allWithin` of what was 1. A negative one says nothing.
 * @typedef {{noneBeyond: number, allBeyond: number, allWithin: number, noneWithin: number}} Bounds
 */

// As in segmentation/feather.py and kernels.py.
const SIGMAS = 4
const GAUSSIAN_REACH = 3
const LEAST_SIGMA_PX = 0.05
const ROUNDING = 1e-6
const LIMIT_PX = 512
// What whole pixels may lack of a distance that is put together of two.
const GRID_SLACK = 1.5

const CERTAIN = `
uniform sampler2D distances;
uniform vec4 bounds;
float certain(ivec2 at) {
  vec4 far = texelFetch(distances, at, 0);
  if (far.x > bounds.x || far.w <= bounds.w) return 0.;
  if (far.y > bounds.y || far.z <= bounds.z) return 1.;
  return -1.;
}
`
// The first layer of the spans: the plane, or what it lacks of 1.
const FIRST_SPAN = `
uniform sampler2D plane;
uniform bool turned;
out vec4 result;
void main() {
  float value = texelFetch(plane, ivec2(gl_FragCoord.xy), 0).r;
  result = vec4(turned ? 1. - value : value);
}`
// The largest value of a span twice as long as those of the layer before.
const NEXT_SPAN = `
uniform sampler2DArray spans;
uniform int layer;
out vec4 result;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  int next = min(at.x + (1 << (layer - 1)), textureSize(spans, 0).x - 1);
  result = vec4(max(texelFetch(spans, ivec3(at, layer - 1), 0).r, texelFetch(spans, ivec3(next, at.y, layer - 1), 0).r));
}`
const SPREAD = `${LIST_GLSL}${CERTAIN}
uniform sampler2DArray spans;
uniform sampler2D list;
uniform ivec2 rows, rim, fewer_rows, more_rows;
uniform float more;
uniform bool turned;
out vec4 result;
ivec2 size;
float at(int x, int y) {
  return x < 0 || y < 0 || x >= size.x || y >= size.y ? 0. : texelFetch(spans, ivec3(x, y, 0), 0).r;
}
float span(int first, int last, int y) {
  first = max(first, 0);
  last = min(last, size.x - 1);
  if (y < 0 || y >= size.y || first > last) return 0.;
  int layer = int(log2(float(last - first + 1) + .25));
  int second = last + 1 - (1 << layer);
  return max(texelFetch(spans, ivec3(first, y, layer), 0).r, texelFetch(spans, ivec3(second, y, layer), 0).r);
}
float over_rows(ivec2 here, ivec2 part) {
  float best = 0.;
  for (int place = part.x; place < part.y; place += 2) {
    vec4 row = item(list, place), ends = item(list, place + 1);
    int y = here.y + int(row.x), first = here.x - int(row.y), last = here.x + int(row.z);
    float value = span(first, last, y);
    if (ends.x < 1.) value = max(value, at(first - 1, y) - ends.x);
    if (ends.y < 1.) value = max(value, at(last + 1, y) - ends.y);
    best = max(best, value - row.w);
  }
  return best;
}
void main() {
  ivec2 here = ivec2(gl_FragCoord.xy);
  size = textureSize(spans, 0).xy;
  float known = certain(here);
  if (known >= 0.) { result = vec4(known); return; }
  float best = max(at(here.x, here.y), over_rows(here, rows));
  for (int place = rim.x; place < rim.y; place++) {
    vec4 pixel = item(list, place);
    best = max(best, at(here.x + int(pixel.x), here.y + int(pixel.y)) - pixel.z);
  }
  if (more > 0.) {
    float own = at(here.x, here.y);
    best = max(best, mix(max(own, over_rows(here, fewer_rows)), max(own, over_rows(here, more_rows)), more));
  }
  result = vec4(turned ? 1. - best : best);
}`
const BLUR = `${LIST_GLSL}${CERTAIN}
uniform sampler2D plane, list;
uniform ivec2 along;
uniform int radius;
out vec4 result;
void main() {
  ivec2 here = ivec2(gl_FragCoord.xy), last = textureSize(plane, 0) - 1;
  float known = certain(here);
  if (known >= 0.) { result = vec4(known); return; }
  float sum = 0.;
  for (int offset = -radius; offset <= radius; offset++) {
    sum += item(list, offset + radius).x * texelFetch(plane, clamp(here + offset * along, ivec2(0), last), 0).r;
  }
  result = vec4(sum);
}`
const LIMIT = `
uniform sampler2D plane, blurred;
uniform int side;
uniform float rounding;
out vec4 result;
void main() {
  ivec2 here = ivec2(gl_FragCoord.xy);
  float own = texelFetch(plane, here, 0).r, soft = texelFetch(blurred, here, 0).r;
  soft = soft < rounding ? 0. : soft > 1. - rounding ? 1. : soft;
  result = vec4(side == 0 ? soft : side < 0 ? min(soft, own) : max(soft, own));
}`
/** What is seen: 0 the mask as a tint over the photo, 1 the mask itself, 2 what it cuts out. */
const SHOW = `
uniform sampler2D mask, photo;
uniform int view, height;
out vec4 result;
void main() {
  ivec2 at = ivec2(gl_FragCoord.x, height - 1 - int(gl_FragCoord.y));
  float share = texelFetch(mask, at, 0).r;
  vec3 colour = texelFetch(photo, at, 0).rgb;
  float check = .35 + .15 * float((at.x / 8 + at.y / 8) & 1);
  if (view == 0) colour = mix(colour, vec3(86., 180., 233.) / 255., .6 * share);
  else if (view == 1) colour = vec3(share);
  else colour = mix(vec3(check), colour, share);
  result = vec4(colour, 1.);
}`

/** A mask of a run, and the photo below it, ready for shaders. */
export class MaskSource {
  /**
   * @param {number} width
   * @param {number} height
   * @param {Float32Array} values 0..1, by rows
   * @param {Float32Array | null} photo four per pixel
   */
  constructor(width, height, values, photo) {
    this.width = width
    this.height = height
    this.values = values
    this.photo = photo
    const count = values.length
    const [full, none, some, less] = [0, 1, 2, 3].map(() => new Uint8Array(count))
    let isHard = true
    for (let at = 0; at < count; at++) {
      const value = values[at]
      full[at] = Number(value >= 1)
      none[at] = Number(value <= 0)
      some[at] = 1 - none[at]
      less[at] = 1 - full[at]
      if (!full[at] && !none[at]) isHard = false
    }
    const to = (/** @type {Uint8Array} */ region) => distancesTo(region, width, height)
    const [toFull, toNone] = [to(full), to(none)]
    const [toSome, toLess] = isHard ? [toFull, toNone] : [to(some), to(less)]
    this.distances = new Float32Array(4 * count)
    for (let at = 0; at < count; at++) {
      this.distances[4 * at] = toSome[at]
      this.distances[4 * at + 1] = toLess[at]
      this.distances[4 * at + 2] = toFull[at]
      this.distances[4 * at + 3] = toNone[at]
    }
    /** @type {{generation: number, mask: Plane, distances: Plane, photo: Plane} | null} */
    this.held = null
  }

  /** @param {Gpu} gpu */
  planes(gpu) {
    if (this.held?.generation !== gpu.generation) {
      const { width, height } = this
      this.held = {
        generation: gpu.generation,
        mask: gpu.upload(width, height, this.values),
        distances: gpu.upload(width, height, this.distances, 4),
        photo: this.photo ? gpu.upload(width, height, this.photo, 4) : gpu.upload(1, 1, new Float32Array(4), 4),
      }
    }
    return this.held
  }

  /** @param {Gpu} gpu */
  free(gpu) {
    if (this.held && this.held.generation === gpu.generation) {
      gpu.free(this.held.mask, this.held.distances, this.held.photo)
    }
    this.held = null
  }
}

/**
 * Why there is no shader for the settings: a key of TEXTS; "" where there is one.
 * @param {Settings} settings
 * @param {number} [longest] how many px of the proxy the node's limit is
 */
export function missingGrowFeather({ grow, feather, profile, sides }, longest = LIMIT_PX) {
  if (feather > 0 && !(profile in BLURS)) return "no_profile"
  const farthest = Math.abs(grow) * Math.max(1, ...sides.map((side) => side / 100))
  return farthest > longest + 1e-6 || feather > longest + 1e-6 ? "too_far" : ""
}

/** Profiles that have a shader. */
const BLURS = { blur: true }

/**
 * The soft mask, in a plane of the pool.
 * @param {Gpu} gpu
 * @param {MaskSource} source
 * @param {Settings} settings
 * @returns {Plane}
 */
export function growFeather(gpu, source, settings) {
  const work = new Work(gpu, source)
  const { grow, feather, side } = settings
  const [left, right, top, bottom] = settings.sides.map((percent) => (Math.abs(grow) * percent) / 100)
  const grown = work.spread("grown", work.planes.mask, { left, right, top, bottom }, settings.shape, grow)
  if (feather <= 0) return grown
  const shift = side === "centred" ? 0 : side === "outside" ? feather / 2 : -feather / 2
  const even = Math.abs(shift)
  const reach = { left: even, right: even, top: even, bottom: even }
  const shifted = shift ? work.spread("shifted", grown, reach, "round", shift) : grown
  const blurred = work.blur(shifted, feather / SIGMAS)
  const soft = gpu.target("soft", source.width, source.height)
  gpu.pass(LIMIT, soft, { plane: grown, blurred, side: Math.sign(shift), rounding: ROUNDING })
  return soft
}

/**
 * @param {Gpu} gpu
 * @param {MaskSource} source
 * @param {Plane} mask
 * @param {HTMLCanvasElement} canvas
 * @param {number} view 0 the mask as a tint over the photo, 1 the mask itself, 2 what it cuts out
 */
export function showMask(gpu, source, mask, canvas, view) {
  gpu.show(canvas, SHOW, { mask, photo: source.planes(gpu).photo, view: source.photo ? view : 1 })
}

/** The passes over one mask, and what is known of its plane after each. */
class Work {
  /**
   * @param {Gpu} gpu
   * @param {MaskSource} source
   */
  constructor(gpu, source) {
    this.gpu = gpu
    this.source = source
    this.planes = source.planes(gpu)
    /** @type {Bounds} */
    this.bounds = { noneBeyond: 0, allBeyond: 0, allWithin: 0, noneWithin: 0 }
  }

  get known() {
    const { noneBeyond, allBeyond, allWithin, noneWithin } = this.bounds
    return { distances: this.planes.distances, bounds: [noneBeyond, allBeyond, allWithin, noneWithin] }
  }

  /**
   * Grey dilation, or erosion as the dilation of what the plane lacks of 1.
   * @param {string} name
   * @param {Plane} plane
   * @param {Reach} reach not negative
   * @param {string} shape
   * @param {number} sign which of both; 0 for neither
   * @returns {Plane}
   */
  spread(name, plane, reach, shape, sign) {
    if (!sign) return plane
    const { gpu } = this
    const turned = sign < 0
    const { left, right, top, bottom } = reach
    const spreading = turned ? { left: right, right: left, top: bottom, bottom: top } : reach
    this.spreadBounds(spreading, shape, turned)
    const { rows, rim } = shapeOf(spreading, shape)
    const fraction = shape === "round" && isEven(reach) ? left % 1 : 0
    const fewer = fraction ? disk(Math.floor(left), false).rows : []
    const more = fraction ? disk(Math.ceil(left), false).rows : []
    let place = 0
    const part = (/** @type {number[]} */ numbers) => [place, (place += numbers.length / 4)]
    const parts = { rows: part(rows), rim: part(rim), fewer_rows: part(fewer), more_rows: part(more) }
    const list = gpu.list("shape", [...rows, ...rim, ...fewer, ...more])
    const spans = this.spans(plane, turned, Math.ceil(left) + Math.ceil(right) + 1)
    const target = gpu.target(name, plane.width, plane.height)
    gpu.pass(SPREAD, target, { ...this.known, ...parts, list, spans, turned, more: fraction })
    return target
  }

  /**
   * @param {Reach} reach
   * @param {string} shape
   * @param {boolean} turned
   */
  spreadBounds({ left, right, top, bottom }, shape, turned) {
    const least = Math.min(left, right, top, bottom) * (shape === "diamond" ? Math.SQRT1_2 : 1)
    const across = Math.max(left, right)
    const down = Math.max(top, bottom)
    const most = (shape === "square" ? Math.hypot(across, down) : Math.max(across, down)) + GRID_SLACK
    const { bounds } = this
    const joined = (/** @type {number} */ within) => {
      if (within <= 0) return within < 0 ? -1 : least
      return within + Math.max(0, least - GRID_SLACK)
    }
    if (turned) {
      this.bounds = { ...bounds, allBeyond: bounds.allBeyond + most, noneWithin: joined(bounds.noneWithin), allWithin: -1 }
    } else {
      this.bounds = { ...bounds, noneBeyond: bounds.noneBeyond + most, allWithin: joined(bounds.allWithin), noneWithin: -1 }
    }
  }

  /**
   * The largest values of spans of 1, 2, 4, ... pixels to the right, a layer each; M. Bender, M. Farach-Colton, "The LCA
   * Problem Revisited" (2000).
   * @param {Plane} plane
   * @param {boolean} turned
   * @param {number} longest
   */
  spans(plane, turned, longest) {
    const { gpu } = this
    const { width, height } = plane
    const layers = Math.floor(Math.log2(Math.min(longest, width))) + 1
    const spans = gpu.layered("spans", width, height, layers)
    const target = gpu.target("span", width, height)
    for (let layer = 0; layer < layers; layer++) {
      if (layer) gpu.pass(NEXT_SPAN, target, { spans, layer })
      else gpu.pass(FIRST_SPAN, target, { plane, turned })
      gpu.fillLayer(spans, layer, target)
    }
    return spans
  }

  /**
   * @param {Plane} plane
   * @param {number} sigma
   */
  blur(plane, sigma) {
    if (sigma < LEAST_SIGMA_PX) return plane
    const { gpu, bounds } = this
    const radius = Math.ceil(GAUSSIAN_REACH * sigma)
    const corner = radius * Math.SQRT2
    this.bounds = {
      noneBeyond: bounds.noneBeyond + corner,
      allBeyond: bounds.allBeyond + corner,
      allWithin: bounds.allWithin - corner,
      noneWithin: bounds.noneWithin - corner,
    }
    const list = gpu.list("weights", gaussian(sigma, radius))
    const values = { ...this.known, list, radius }
    const across = gpu.target("across", plane.width, plane.height)
    gpu.pass(BLUR, across, { ...values, plane, along: [1, 0] })
    const blurred = gpu.target("blurred", plane.width, plane.height)
    gpu.pass(BLUR, blurred, { ...values, plane: across, along: [0, 1] })
    return blurred
  }
}

/**
 * The weights of a Gaussian that is cut at its radius, one in each four numbers.
 * @param {number} sigma
 * @param {number} radius
 */
function gaussian(sigma, radius) {
  const weights = Array.from({ length: 2 * radius + 1 }, (_, at) => Math.exp(-0.5 * ((at - radius) / sigma) ** 2))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.flatMap((weight) => [weight / sum, 0, 0, 0])
}
