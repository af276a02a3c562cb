// The one WebGL2 context that all live previews of a page share: browsers allow about sixteen. Programs, float planes,
// passes over them, and what is read back. Row 0 of a plane is the top row of the picture.

/** @typedef {{texture: WebGLTexture, width: number, height: number, frame: WebGLFramebuffer | null}} Plane */
/** A plane, planes in layers, a number, or a vector. @typedef {Plane | number | boolean | number[]} Value */

const PRELUDE = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp sampler2DArray;
`
// One triangle that covers everything.
const VERTEX = `#version 300 es
void main() { gl_Position = vec4(gl_VertexID == 1 ? 3. : -1., gl_VertexID == 2 ? 3. : -1., 0., 1.); }`
const LIST_WIDTH = 1024
/** A number of a list in a plane. */
export const LIST_GLSL = `vec4 item(sampler2D list, int at) { return texelFetch(list, ivec2(at & 1023, at >> 10), 0); }
`

/** @type {Gpu | null | undefined} */
let shared

/** The page's context; null where the browser has no WebGL2 that computes in floats. @returns {Gpu | null} */
export function sharedGpu() {
  if (shared === undefined) {
    const canvas = document.createElement("canvas")
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false })
    shared = gl?.getExtension("EXT_color_buffer_float") ? new Gpu(canvas, gl) : null
  }
  return shared
}

export class Gpu extends EventTarget {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {WebGL2RenderingContext} gl
   */
  constructor(canvas, gl) {
    super()
    this.canvas = canvas
    this.gl = gl
    this.lost = false
    this.generation = 0 // counts contexts: what was made in an earlier one is gone
    this.forget()
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault() // else it never comes back
      this.lost = true
      this.dispatchEvent(new Event("change"))
    })
    canvas.addEventListener("webglcontextrestored", () => {
      gl.getExtension("EXT_color_buffer_float")
      this.lost = false
      this.generation++
      this.forget()
      this.dispatchEvent(new Event("change"))
    })
  }

  forget() {
    /** @type {Map<string, {program: WebGLProgram, uniforms: Map<string, {at: WebGLUniformLocation, type: number}>}>} */
    this.programs = new Map()
    /** @type {Map<string, Plane & {channels: number, layers: number}>} */
    this.scratch = new Map()
  }

  /**
   * A plane of floats, one or four per pixel.
   * @param {number} width
   * @param {number} height
   * @param {Float32Array | null} values
   * @param {number} [channels] 1 or 4
   * @returns {Plane}
   */
  upload(width, height, values, channels = 1) {
    const { gl } = this
    const texture = this.texture(gl.TEXTURE_2D)
    const [inside, format] = channels === 1 ? [gl.R32F, gl.RED] : [gl.RGBA32F, gl.RGBA]
    gl.texImage2D(gl.TEXTURE_2D, 0, inside, width, height, 0, format, gl.FLOAT, values)
    return { texture, width, height, frame: null }
  }

  /** @param {number} kind @returns {WebGLTexture} */
  texture(kind) {
    const { gl } = this
    const texture = /** @type {WebGLTexture} */ (gl.createTexture())
    gl.activeTexture(gl.TEXTURE0)
    gl.bindTexture(kind, texture)
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(kind, side, gl.CLAMP_TO_EDGE)
    for (const size of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(kind, size, gl.NEAREST)
    return texture
  }

  /** @param {(Plane | null | undefined)[]} planes */
  free(...planes) {
    for (const plane of planes) {
      if (!plane) continue
      this.gl.deleteTexture(plane.texture)
      this.gl.deleteFramebuffer(plane.frame)
    }
  }

  /**
   * A plane to compute in, the same one for the same name until another size is asked for.
   * @param {string} name
   * @param {number} width
   * @param {number} height
   * @param {number} [channels] 1 or 4
   * @returns {Plane}
   */
  target(name, width, height, channels = 1) {
    const held = this.scratch.get(name)
    if (held?.width === width && held.height === height && held.channels === channels) return held
    this.free(held)
    const plane = this.upload(width, height, null, channels)
    this.attach(plane)
    this.scratch.set(name, { ...plane, channels, layers: 1 })
    return plane
  }

  /**
   * Planes of one number per pixel in at least so many layers, to be filled by `fillLayer`.
   * @param {string} name
   * @param {number} width
   * @param {number} height
   * @param {number} layers
   * @returns {Plane}
   */
  layered(name, width, height, layers) {
    const { gl } = this
    const held = this.scratch.get(name)
    if (held?.width === width && held.height === height && held.layers >= layers) return held
    this.free(held)
    const texture = this.texture(gl.TEXTURE_2D_ARRAY)
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, gl.R32F, width, height, layers)
    const plane = { texture, width, height, frame: null, channels: 1, layers }
    this.scratch.set(name, plane)
    return plane
  }

  /**
   * Copies a target into a layer.
   * @param {Plane} layered
   * @param {number} layer
   * @param {Plane} target
   */
  fillLayer(layered, layer, target) {
    const { gl } = this
    gl.bindFramebuffer(gl.FRAMEBUFFER, target.frame)
    gl.activeTexture(gl.TEXTURE0)
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, layered.texture)
    gl.copyTexSubImage3D(gl.TEXTURE_2D_ARRAY, 0, 0, 0, layer, 0, 0, target.width, target.height)
  }

  /**
   * Numbers by fours, for the shaders' `item(list, at)`; the same plane for the same name.
   * @param {string} name
   * @param {ArrayLike<number>} numbers
   */
  list(name, numbers) {
    const { gl } = this
    const height = Math.max(1, Math.ceil(numbers.length / (4 * LIST_WIDTH)))
    const values = new Float32Array(4 * LIST_WIDTH * height)
    values.set(numbers)
    const plane = this.target(name, LIST_WIDTH, height, 4)
    gl.activeTexture(gl.TEXTURE0)
    gl.bindTexture(gl.TEXTURE_2D, plane.texture)
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, LIST_WIDTH, height, gl.RGBA, gl.FLOAT, values)
    return plane
  }

  /** @param {Plane} plane */
  attach(plane) {
    const { gl } = this
    plane.frame = gl.createFramebuffer()
    gl.bindFramebuffer(gl.FRAMEBUFFER, plane.frame)
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, plane.texture, 0)
  }

  /**
   * Runs a fragment shader over every pixel of a target, or of the canvas.
   * @param {string} fragment without its first lines; writes `result`
   * @param {Plane | {width: number, height: number, frame?: undefined}} target
   * @param {Record<string, Value>} values of its uniforms
   */
  pass(fragment, target, values) {
    const { gl } = this
    const { program, uniforms } = this.program(fragment)
    gl.useProgram(program)
    gl.bindFramebuffer(gl.FRAMEBUFFER, target.frame ?? null)
    gl.viewport(0, 0, target.width, target.height)
    let unit = 0
    for (const [name, { at, type }] of uniforms) {
      const value = values[name]
      if (value === undefined) throw new Error(`the shader lacks ${name}`)
      if (typeof value !== "object" || Array.isArray(value)) this.setUniform(at, type, value)
      else {
        gl.activeTexture(gl.TEXTURE0 + unit)
        gl.bindTexture(type === gl.SAMPLER_2D_ARRAY ? gl.TEXTURE_2D_ARRAY : gl.TEXTURE_2D, value.texture)
        gl.uniform1i(at, unit++)
      }
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3)
  }

  /**
   * @param {WebGLUniformLocation} at
   * @param {number} type
   * @param {number | boolean | number[]} value
   */
  setUniform(at, type, value) {
    const { gl } = this
    const numbers = (Array.isArray(value) ? value : [value]).map(Number)
    if (type === gl.FLOAT) gl.uniform1f(at, numbers[0])
    else if (type === gl.FLOAT_VEC2) gl.uniform2fv(at, numbers)
    else if (type === gl.FLOAT_VEC4) gl.uniform4fv(at, numbers)
    else if (type === gl.INT || type === gl.BOOL) gl.uniform1i(at, numbers[0])
    else if (type === gl.INT_VEC2) gl.uniform2iv(at, numbers)
    else if (type === gl.UNSIGNED_INT) gl.uniform1ui(at, numbers[0])
    else throw new Error(`no way to set a uniform of type ${type}`)
  }

  /** @param {string} fragment */
  program(fragment) {
    const { gl } = this
    const held = this.programs.get(fragment)
    if (held) return held
    const program = /** @type {WebGLProgram} */ (gl.createProgram())
    for (const [kind, text] of /** @type {const} */ ([
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, PRELUDE + fragment],
    ])) {
      const shader = /** @type {WebGLShader} */ (gl.createShader(kind))
      gl.shaderSource(shader, text)
      gl.compileShader(shader)
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
        throw new Error(`a shader of the live preview does not compile: ${gl.getShaderInfoLog(shader)}`)
      }
      gl.attachShader(program, shader)
    }
    gl.linkProgram(program)
    /** @type {Map<string, {at: WebGLUniformLocation, type: number}>} */
    const uniforms = new Map()
    const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) ?? 0
    for (let index = 0; index < count; index++) {
      const { name, type } = /** @type {WebGLActiveInfo} */ (gl.getActiveUniform(program, index))
      uniforms.set(name, { at: /** @type {WebGLUniformLocation} */ (gl.getUniformLocation(program, name)), type })
    }
    const made = { program, uniforms }
    this.programs.set(fragment, made)
    return made
  }

  /**
   * The numbers of a plane, by rows.
   * @param {Plane} target
   * @param {number} [channels] 1 or 4
   */
  read(target, channels = 1) {
    const { gl } = this
    if (!target.frame) this.attach(target)
    const values = new Float32Array(target.width * target.height * 4)
    gl.bindFramebuffer(gl.FRAMEBUFFER, target.frame)
    gl.readPixels(0, 0, target.width, target.height, gl.RGBA, gl.FLOAT, values)
    return channels === 4 ? values : values.filter((_, at) => at % 4 === 0)
  }

  /**
   * The bytes of a picture as they are in its file, four per pixel.
   * @param {ImageBitmap} picture made without premultiplication and colour conversion
   */
  bytes(picture) {
    const { gl } = this
    const { width, height } = picture
    const plane = { texture: this.texture(gl.TEXTURE_2D), width, height, frame: null }
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false)
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE)
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, picture)
    this.attach(plane)
    const bytes = new Uint8Array(4 * width * height)
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes)
    this.free(plane)
    return bytes
  }

  /**
   * Draws with a shader whose row 0 is the top onto a canvas of a page, at its size.
   * @param {HTMLCanvasElement} canvas
   * @param {string} fragment
   * @param {Record<string, Value>} values
   */
  show(canvas, fragment, values) {
    const { width, height } = canvas
    if (this.canvas.width < width) this.canvas.width = width
    if (this.canvas.height < height) this.canvas.height = height
    this.pass(fragment, { width, height }, { ...values, height })
    canvas.getContext("2d")?.drawImage(this.canvas, 0, this.canvas.height - height, width, height, 0, 0, width, height)
  }
}
