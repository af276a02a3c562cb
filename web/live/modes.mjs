// The blend modes as shaders: for each the body of `vec3 blend(vec3 B, vec3 S)`, B the backdrop and S the source, and what
// the record of blending/modes.py says beside the formula. A test holds the two tables against each other.

/**
 * any: values above 1 pass, else both colours are clamped to 0..1 first. linear: at home in linear light. dissolved: shows
 * the source at a share of the pixels. operator: the compositing operator that the mode is.
 * @typedef {{glsl: string, any?: boolean, linear?: boolean, dissolved?: boolean, operator?: string}} Mode
 */

/** What the formulas share. TINY stands in for a divisor of 0. */
export const MODES_GLSL = `
const vec3 TINY = vec3(1e-20);
vec3 one_where(bvec3 here, vec3 value) { return mix(value, vec3(1.), vec3(here)); }
float lum(vec3 C) { return .3 * C.r + .59 * C.g + .11 * C.b; }
float highest(vec3 C) { return max(max(C.r, C.g), C.b); }
float lowest(vec3 C) { return min(min(C.r, C.g), C.b); }
float sat(vec3 C) { return highest(C) - lowest(C); }
vec3 color_dodge(vec3 B, vec3 S) { return min(B / max(1. - S, TINY), 1.); }
vec3 color_burn(vec3 B, vec3 S) { return 1. - min((1. - B) / max(S, TINY), 1.); }
vec3 hard_light(vec3 B, vec3 S) { vec3 beyond = 2. * S - 1.; return B * (1. - abs(beyond)) + max(beyond, 0.); }
vec3 soft_light(vec3 B, vec3 S, vec3 D) {
  vec3 beyond = 2. * S - 1.;
  return B + min(beyond, 0.) * (B - B * B) + max(beyond, 0.) * (D - B);
}
vec3 reflected(vec3 B, vec3 S) { return one_where(equal(S, vec3(1.)), min(B * B / max(1. - S, TINY), 1.)); }
vec3 set_lum(vec3 C, float lightness) {
  C += lightness - lum(C);
  float L = lum(C), n = lowest(C), x = highest(C);
  vec3 lifted = n < 0. ? L + (C - L) * L / max(L - n, 1e-20) : C;
  return x > 1. ? L + (lifted - L) * (1. - L) / max(x - L, 1e-20) : lifted;
}
vec3 set_sat(vec3 C, float s) { return (C - lowest(C)) * s / max(sat(C), 1e-20); }
float power(float B, float S) { return S == 0. ? 1. : B == 0. ? 0. : pow(B, S); }
`

/** @type {Record<string, Mode>} */
export const MODES = {
  normal: { glsl: "return S;", any: true, linear: true },
  multiply: { glsl: "return B * S;", any: true },
  screen: { glsl: "return B + S - B * S;" },
  overlay: { glsl: "return hard_light(S, B);" },
  darken: { glsl: "return min(B, S);", any: true },
  lighten: { glsl: "return max(B, S);", any: true },
  "color-dodge": { glsl: "return color_dodge(B, S);" },
  "color-burn": { glsl: "return color_burn(B, S);" },
  "hard-light": { glsl: "return hard_light(B, S);" },
  "soft-light": {
    glsl: `vec3 low = min(B, .25);
  return soft_light(B, S, ((16. * low - 12.) * low + 4.) * low + sqrt(max(B, .25)) - .5);`,
  },
  difference: { glsl: "return abs(B - S);", any: true },
  exclusion: { glsl: "return B + S - 2. * B * S;" },
  hue: { glsl: "return set_lum(set_sat(S, sat(B)), lum(B));" },
  saturation: { glsl: "return set_lum(set_sat(B, sat(S)), lum(B));" },
  color: { glsl: "return set_lum(S, lum(B));" },
  luminosity: { glsl: "return set_lum(B, lum(S));" },
  dissolve: { glsl: "return S;", any: true, dissolved: true },
  "linear-burn": { glsl: "return max(B + S - 1., 0.);" },
  "linear-dodge": { glsl: "return min(B + S, 1.);" },
  "vivid-light": {
    glsl: `vec3 burned = 1. - min((1. - B) / clamp(2. * S, TINY, vec3(1.)), 1.);
  vec3 vivid = min(burned / clamp(2. - 2. * S, TINY, vec3(1.)), 1.);
  return one_where(equal(S, vec3(1.)), mix(vivid, vec3(0.), vec3(equal(S, vec3(0.)))));`,
  },
  "linear-light": { glsl: "return clamp(B + 2. * S - 1., 0., 1.);" },
  "pin-light": { glsl: "return max(min(B, 2. * S), 2. * S - 1.);" },
  "hard-mix": {
    glsl: `vec3 sum = B + S;
  return max(vec3(greaterThan(sum, vec3(1.))), vec3(equal(sum, vec3(1.))) * vec3(greaterThan(B, vec3(.5))));`,
  },
  subtract: { glsl: "return max(B - S, 0.);", any: true },
  divide: { glsl: "return min(B / max(S, TINY), 1.);" },
  "darker-color": { glsl: "return lum(S) < lum(B) ? S : B;", any: true },
  "lighter-color": { glsl: "return lum(S) > lum(B) ? S : B;", any: true },
  "hsv-hue": {
    glsl: `float chroma = sat(S);
  return chroma > 0. ? lowest(B) + (S - lowest(S)) * sat(B) / max(chroma, 1e-20) : B;`,
  },
  "hsv-saturation": {
    glsl: `float value = highest(B), other = highest(S), share = sat(S) / max(other, 1e-20);
  return value - (value - B) * value * share / max(sat(B), 1e-20);`,
  },
  "hsv-value": {
    glsl: `float value = highest(B);
  return value > 0. ? B / max(value, 1e-20) * highest(S) : vec3(highest(S));`,
  },
  "hsl-color": {
    glsl: `float lightness = (highest(B) + lowest(B)) / 2., other = (highest(S) + lowest(S)) / 2.;
  float room = 1. - abs(2. * lightness - 1.), other_room = 1. - abs(2. * other - 1.);
  return clamp(lightness + (S - other) * room / max(other_room, 1e-20), 0., 1.);`,
  },
  addition: { glsl: "return B + S;", any: true, linear: true },
  "grain-extract": { glsl: "return clamp(B - S + .5, 0., 1.);" },
  "grain-merge": { glsl: "return clamp(B + S - .5, 0., 1.);" },
  average: { glsl: "return (B + S) / 2.;", any: true },
  geometric: { glsl: "return sqrt(B * S);" },
  harmonic: { glsl: "return 2. * B * S / max(B + S, TINY);" },
  interpolation: { glsl: "return .5 - (cos(B * 3.141592653589793) + cos(S * 3.141592653589793)) / 4.;" },
  negation: { glsl: "return 1. - abs(1. - B - S);" },
  equivalence: { glsl: "return 1. - abs(B - S);" },
  "additive-subtractive": { glsl: "return abs(sqrt(B) - sqrt(S));" },
  reflect: { glsl: "return reflected(B, S);" },
  glow: { glsl: "return reflected(S, B);" },
  freeze: { glsl: "return 1. - reflected(1. - B, 1. - S);" },
  heat: { glsl: "return 1. - reflected(1. - S, 1. - B);" },
  "soft-light-pegtop": { glsl: "return B * (B + 2. * S * (1. - B));" },
  "soft-light-sqrt": { glsl: "return soft_light(B, S, sqrt(B));" },
  "hard-overlay": {
    glsl: `vec3 overlaid = min(B * min(2. * S, 1.) / clamp(2. - 2. * S, TINY, vec3(1.)), 1.);
  return one_where(equal(S, vec3(1.)), overlaid);`,
  },
  "gamma-dark": {
    glsl: `vec3 by = 1. / max(S, TINY);
  vec3 darkened = vec3(power(B.r, by.r), power(B.g, by.g), power(B.b, by.b));
  return mix(darkened, vec3(0.), vec3(equal(S, vec3(0.))));`,
  },
  "gamma-light": { glsl: "return vec3(power(B.r, S.r), power(B.g, S.g), power(B.b, S.b));" },
  "plus-lighter": { glsl: "return S;", operator: "lighter" },
  "plus-darker": { glsl: "return S;", operator: "plus-darker" },
}

/**
 * Porter and Duff's operators as in blending/operators.py: the source's and the backdrop's factor, each a constant and a
 * slope over the other's alpha. total: 1 ends sums at 1, 2 adds what both lack of white.
 * @typedef {{source: number[], backdrop: number[], total?: number}} Operator
 */
const NONE = [0, 0]
const ALL = [1, 0]
const INSIDE = [0, 1]
const OUTSIDE = [1, -1]
/** @type {Record<string, Operator>} */
export const OPERATORS = {
  "source-over": { source: ALL, backdrop: OUTSIDE },
  "destination-over": { source: OUTSIDE, backdrop: ALL },
  "source-in": { source: INSIDE, backdrop: NONE },
  "destination-in": { source: NONE, backdrop: INSIDE },
  "source-out": { source: OUTSIDE, backdrop: NONE },
  "destination-out": { source: NONE, backdrop: OUTSIDE },
  "source-atop": { source: INSIDE, backdrop: OUTSIDE },
  "destination-atop": { source: OUTSIDE, backdrop: INSIDE },
  xor: { source: OUTSIDE, backdrop: OUTSIDE },
  lighter: { source: ALL, backdrop: ALL, total: 1 },
  "plus-darker": { source: ALL, backdrop: ALL, total: 2 },
  copy: { source: ALL, backdrop: NONE },
  destination: { source: NONE, backdrop: ALL },
  clear: { source: NONE, backdrop: NONE },
}

/** Whether an opaque backdrop stays opaque. @param {Operator} operator */
export function keepsOpaque({ source, backdrop }) {
  return backdrop[0] >= 1 && source[0] + source[1] + backdrop[0] + backdrop[1] >= 1
}

/** Whether the backdrop goes away where the source is transparent. @param {Operator} operator */
export function clearsOutside({ backdrop }) {
  return backdrop[0] === 0
}
