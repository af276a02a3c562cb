// The editor on an Edit Mask node: ties canvas, tools and history to the node's text widget, which alone holds the edit.
import { MIDDLE, keepEvents, keepMiddleButton } from "../shared/events.mjs"
import { chain, setValue, widgetOf } from "../shared/node.mjs"
import { loadPicture, upstreamUrl } from "../shared/pictures.mjs"
import { dress } from "../shared/style.mjs"
import { fill } from "../shared/texts.mjs"
import { MaskDocument } from "./document.mjs"
import { joinBoxes } from "./raster.mjs"
import { Sketch } from "./sketch.mjs"
import { maskOf, ofOutput, workSize } from "./source.mjs"
import { formatStrokes, makeStroke, parseStrokes } from "./strokes.mjs"
import { CSS, Toolbar } from "./toolbar.mjs"
import { TINTS, View } from "./view.mjs"

/** @typedef {import("./raster.mjs").Box} Box */
/** @typedef {import("./source.mjs").Source} Source */
/** @typedef {import("./strokes.mjs").Stroke} Stroke */
/** @typedef {import("./texts.mjs").Texts} Texts */
/** @typedef {import("./view.mjs").Point} Point */

const STEP = 0.02
const SMALL_STEP = 0.002
const ZOOM_STEP = 1.25
const PEN_ERASER = 32
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
/** @type {Record<string, import("./toolbar.mjs").ToolName>} */
const TOOL_KEYS = { b: "brush", e: "eraser", l: "lasso", p: "polygon", f: "fill" }

/**
 * Fills the widget's element with an editor and keeps it in step with the node.
 * @param {HTMLElement} root
 * @param {any} node
 * @param {any} text the widget whose value is the edit
 * @param {{app: any, api: any}} host
 * @param {Texts} texts what it says
 */
export function openEditor(root, node, text, host, texts) {
  return new Editor(root, node, text, host, texts)
}

class Editor {
  /**
   * @param {HTMLElement} root
   * @param {any} node
   * @param {any} text
   * @param {{app: any, api: any}} host
   * @param {Texts} texts
   */
  constructor(root, node, text, host, texts) {
    this.root = root
    this.node = node
    this.text = text
    this.host = host
    this.texts = texts
    this.edit = new MaskDocument()
    this.over = { image: "", mask: "" } // digests that the strokes remember
    this.written = "" // the value that the document holds
    this.problem = "" // why the value cannot be edited
    /** What is shown. @type {{key: string, source: Source | null}} */
    this.showing = { key: "", source: null }
    /** @type {any} */
    this.output = host.app.nodeOutputs?.[node.id]
    this.upstreamAtRun = upstreamUrl(node, host.api)
    this.fileAtRun = fileOf(node) // of the host's mask editor
    /** @type {Sketch | null} */
    this.sketch = null
    /** @type {Point | null} */
    this.cursor = null
    /** What the hand has grabbed to pan. @type {Point | null} */
    this.grabbed = null
    this.spaceHeld = false
    this.frameAsked = false
    /** What of the mask is to be painted anew. @type {Box | null} */
    this.dirty = null

    this.ended = new AbortController()
    /** @type {Record<string, (event: PointerEvent) => void>} */
    this.hand = {
      pointerdown: (event) => this.press(event),
      pointermove: (event) => this.move(event),
      pointerup: (event) => this.release(event),
    }

    this.canvas = document.createElement("canvas")
    this.status = document.createElement("div")
    this.toolbar = new Toolbar(texts, (command) => this.command(command))
    this.build()
    this.view = new View(this.canvas)
    this.listen()
    this.follow()
    void this.refresh()
  }

  build() {
    const { root, canvas, status, texts } = this
    dress(root, "edit", CSS)
    widgetOf(this.node, "image").label = texts.file_label
    canvas.tabIndex = 0
    canvas.setAttribute("role", "application")
    canvas.setAttribute("aria-label", texts.canvas)
    const help = Object.assign(document.createElement("div"), { className: "hemline-hidden", textContent: texts.help })
    help.id = `hemline-edit-help-${crypto.randomUUID?.() ?? Math.random()}`
    canvas.setAttribute("aria-describedby", help.id)
    // The host's undo leaves alone what says that text is edited in it (a text area, from 1.58 on anything editable);
    // Ctrl+Z is ours while the canvas has the focus.
    Object.defineProperties(canvas, { type: { value: "textarea" }, isContentEditable: { value: true } })
    status.className = "hemline-status"
    status.setAttribute("role", "status")
    root.append(...this.toolbar.elements, canvas, status, help)
  }

  listen() {
    const { root, canvas } = this
    keepEvents(root)
    keepMiddleButton(canvas, this.hand, this.ended.signal)
    for (const type of ["pointerenter", "focusin"]) root.addEventListener(type, () => void this.refresh())
    for (const [type, act] of Object.entries(this.hand)) canvas.addEventListener(type, /** @type {any} */ (act))
    canvas.addEventListener("pointercancel", () => this.drop())
    canvas.addEventListener("pointerleave", () => this.leave())
    canvas.addEventListener("dblclick", () => this.closePolygon())
    canvas.addEventListener("contextmenu", (event) => event.preventDefault())
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
    canvas.addEventListener("keydown", (event) => this.key(event))
    canvas.addEventListener("keyup", (event) => this.keyUp(event))
    canvas.addEventListener("blur", () => {
      this.spaceHeld = false
    })
    new ResizeObserver(() => this.draw()).observe(canvas)
  }

  /** Notices what happens to the node: a run, a loaded workflow, another wire, a change elsewhere in the graph. */
  follow() {
    const { node, host } = this
    const refresh = () => void this.refresh()
    chain(node, "onExecuted", (/** @type {any} */ output) => {
      this.output = output
      this.upstreamAtRun = upstreamUrl(node, host.api)
      this.fileAtRun = fileOf(node)
      refresh()
    })
    chain(node, "onConfigure", refresh)
    chain(node, "onConnectionsChange", () => queueMicrotask(refresh))
    host.api.addEventListener("graphChanged", refresh, { signal: this.ended.signal })
    chain(node, "onRemoved", () => this.ended.abort())
  }

  /** Takes over the node's value and picture where they are others than before. */
  async refresh() {
    this.takeText()
    const upstream = upstreamUrl(this.node, this.host.api)
    const current = !upstream || upstream === this.upstreamAtRun
    const source = current ? ofOutput(this.output, this.host.api) : null
    const key = source?.url ?? upstream
    if (key === this.showing.key) return this.say()
    this.showing = { key, source }
    try {
      const photo = key ? await loadPicture(key) : null
      const holes = source ? await loadPicture(source.maskUrl) : null
      const seed = source ? await loadPicture(source.fileUrl) : null
      if (this.showing.key !== key) return // another one has come meanwhile
      if (seed) this.node.imgs = [seed] // where the host's mask editor looks
      this.view.photo = photo
      this.view.ratio = photo ? photo.naturalWidth / photo.naturalHeight : 1
      this.edit.setBase(maskOf(holes, photo ? workSize(photo) : { width: 1, height: 1 }))
    } catch {
      this.view.photo = null
    }
    this.sketch = null
    this.changed()
  }

  takeText() {
    const value = String(this.text.value ?? "")
    if (value === this.written) return
    this.written = value
    this.problem = ""
    try {
      const { strokes, image, mask } = parseStrokes(value)
      this.over = { image, mask }
      this.edit.load(strokes)
    } catch (error) {
      this.edit.load([])
      const { version } = /** @type {Partial<import("./strokes.mjs").OtherVersion>} */ (error)
      const other = version !== undefined && fill(this.texts.other_version, { version })
      this.problem = fill(this.texts.unreadable, { reason: other || String(/** @type {Error} */ (error).message) })
    }
    this.sketch = null
    this.changed()
  }

  /** Stores the edit in the node's widget and lets the host notice. */
  store() {
    const source = this.showing.source
    this.over = { image: source?.image ?? "", mask: source?.mask ?? "" }
    this.written = formatStrokes({ strokes: this.edit.strokes, ...this.over })
    setValue(this.node, this.text, this.written)
    this.tell()
  }

  get canDraw() {
    return Boolean(this.view.photo) && !this.problem
  }

  /** @param {Stroke} stroke */
  add(stroke) {
    this.repaint(this.edit.add(stroke))
    this.store()
  }

  /** @param {import("./toolbar.mjs").Command} command */
  command(command) {
    if (command === "fit") this.view.fit()
    else if (command === "tint") this.repaintAll()
    else if (command === "host") this.openHostEditor()
    else if (this.canDraw || command === "reset") this.change(command)
    this.draw()
  }

  /** Takes all strokes away, those too that could not be read. */
  forget() {
    this.problem = ""
    this.edit.reset()
  }

  openHostEditor() {
    const { app } = this.host
    app.canvas.selectNode(this.node)
    void app.extensionManager.command.execute("Comfy.MaskEditor.OpenMaskEditor")
  }

  /** @param {import("./toolbar.mjs").Command} command */
  change(command) {
    this.drop()
    if (command === "clear" || command === "invert") return this.add(makeStroke(command))
    if (command === "reset") this.forget()
    else if (!(command === "undo" ? this.edit.undo() : this.edit.redo())) return
    this.repaintAll()
    this.store()
  }

  // --- by hand -----------------------------------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  press(event) {
    this.canvas.focus({ preventScroll: true })
    const point = this.view.pointAt(event)
    if (event.button === MIDDLE || (event.button === 0 && this.spaceHeld)) {
      event.preventDefault()
      this.grabbed = point
      this.spaceHeld = false
      this.canvas.classList.add("hemline-grab")
    } else if (event.button === 0 || event.buttons & PEN_ERASER) {
      this.cursor = point
      this.begin(point, pressureOf(event), Boolean(event.buttons & PEN_ERASER))
    } else return
    this.canvas.setPointerCapture(event.pointerId)
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (this.grabbed) {
      this.view.pan(this.grabbed, this.view.pointAt(event))
      return this.draw()
    }
    this.cursor = this.view.pointAt(event)
    if (!this.sketch) void this.refresh()
    const held = event.buttons & (1 | PEN_ERASER)
    if (this.sketch && held && this.sketch.tool !== "polygon") {
      const events = event.getCoalescedEvents?.() ?? []
      for (const one of events.length ? events : [event]) this.extend(this.view.pointAt(one), pressureOf(one))
    }
    this.draw()
  }

  /** @param {PointerEvent} event */
  release(event) {
    if (this.grabbed) {
      this.grabbed = null
      this.canvas.classList.remove("hemline-grab")
    } else if (this.sketch && this.sketch.tool !== "polygon" && event.button !== MIDDLE) this.finish()
    this.draw()
  }

  leave() {
    if (!this.sketch) this.cursor = null
    this.draw()
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault()
    this.view.zoomAt(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, this.view.pointAt(event))
    this.draw()
  }

  /**
   * @param {Point} point
   * @param {number} pressure
   * @param {boolean} erase
   */
  begin(point, pressure, erase) {
    if (!this.canDraw) return
    const goesOn = this.sketch?.tool === "polygon" && this.toolbar.options.tool === "polygon"
    if (!goesOn) {
      this.drop()
      this.sketch = new Sketch(this.edit, this.toolbar.options, erase)
    }
    this.extend(point, pressure)
    if (this.sketch?.tool === "fill") this.finish()
  }

  /**
   * @param {Point} point
   * @param {number} pressure
   */
  extend(point, pressure) {
    if (this.sketch) this.repaint(this.sketch.extend(point, pressure))
  }

  finish() {
    const { sketch } = this
    const stroke = sketch?.finish()
    this.drop()
    if (stroke) this.add(stroke)
  }

  closePolygon() {
    if (this.sketch?.tool !== "polygon") return
    const { line } = this.sketch
    const [last, before] = [line.at(-1), line.at(-2)]
    if (before && last && last.x === before.x && last.y === before.y) line.pop() // the second of two clicks
    this.finish()
  }

  /** Forgets the stroke that is being drawn. */
  drop() {
    const box = this.sketch?.box ?? null
    this.sketch = null
    this.edit.drop(box)
    this.repaint(box)
  }

  // --- by keys -----------------------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  key(event) {
    const letter = event.key.toLowerCase()
    if (event.ctrlKey || event.metaKey) {
      if (event.altKey || (letter !== "z" && letter !== "y")) return // the host's
      this.command(letter === "y" || event.shiftKey ? "redo" : "undo")
    } else if (event.altKey) return
    else if (event.key in ARROWS) this.moveCursor(ARROWS[event.key], event.shiftKey ? SMALL_STEP : STEP)
    else if (event.key === " ") this.spaceHeld = true
    else if (event.key === "Enter") this.pen(true)
    else if (event.key === "Escape" && this.sketch) this.drop()
    else if (letter in TOOL_KEYS) this.toolbar.choose(TOOL_KEYS[letter])
    else if (letter === "r") this.toolbar.toggleRemove()
    else if (event.key === "[" || event.key === "]") this.toolbar.scaleSize(event.key === "[" ? 1 / ZOOM_STEP : ZOOM_STEP)
    else if (event.key === "+" || event.key === "-") this.zoom(event.key === "+" ? ZOOM_STEP : 1 / ZOOM_STEP)
    else if (event.key === "0") this.view.fit()
    else return
    event.preventDefault()
    event.stopPropagation()
    this.draw()
  }

  /** Space draws when it is let go, because while it is held it may be for panning. @param {KeyboardEvent} event */
  keyUp(event) {
    if (event.key !== " ") return
    event.stopPropagation()
    if (this.spaceHeld) this.pen(false)
    this.spaceHeld = false
    this.draw()
  }

  /** @param {boolean} close whether a polygon is to be closed */
  pen(close) {
    const point = (this.cursor ??= { ...this.view.centre })
    if (!this.sketch) this.begin(point, 1, false)
    else if (this.sketch.tool !== "polygon") this.finish()
    else if (close) this.finish()
    else this.begin(point, 1, false)
    this.say()
  }

  /**
   * @param {[number, number]} direction
   * @param {number} step
   */
  moveCursor([across, down], step) {
    const clamp = (/** @type {number} */ value) => Math.min(1, Math.max(0, value))
    const from = this.cursor ?? this.view.centre
    const ratio = this.view.ratio // the same way in pixels, whatever the picture's shape
    const [x, y] = ratio > 1 ? [step / ratio, step] : [step, step * ratio]
    this.cursor = { x: clamp(from.x + (across * x) / this.view.zoom), y: clamp(from.y + (down * y) / this.view.zoom) }
    if (this.sketch && this.sketch.tool !== "polygon") this.extend(this.cursor, 1)
    this.say()
  }

  /** @param {number} factor */
  zoom(factor) {
    this.view.zoomAt(factor, this.cursor ?? this.view.centre)
  }

  // --- shown -------------------------------------------------------------------------------------------------------

  /** After strokes, mask or picture have become others. */
  changed() {
    this.repaintAll()
    this.tell()
  }

  /** Says how it stands: which buttons do something, and the line below the canvas. */
  tell() {
    const { past, future, strokes } = this.edit
    const some = strokes.length > 0 || this.problem !== ""
    this.toolbar.enable(past.length > 0, future.length > 0, some, Boolean(this.showing.source))
    this.say()
  }

  say() {
    const message = this.message()
    if (this.status.textContent !== message) this.status.textContent = message // a screen reader reads every change
  }

  message() {
    const { texts, sketch, cursor } = this
    const { source } = this.showing
    const count = this.edit.strokes.length
    if (this.problem) return this.problem
    if (!this.view.photo) return texts.no_picture
    const parts = [count === 1 ? texts.one_stroke : fill(texts.strokes, { count })]
    if (sketch && cursor) {
      parts.push(fill(texts.pen_down, { x: Math.round(cursor.x * 100), y: Math.round(cursor.y * 100) }))
    } else if (!source) parts.push(texts.run_for_mask)
    else if (this.fileAtRun !== fileOf(this.node)) parts.push(texts.run_for_file)
    else if (count && this.over.image && this.over.image !== source.image) parts.push(texts.other_picture)
    return parts.join(", ")
  }

  repaintAll() {
    this.repaint({ x0: 0, y0: 0, x1: this.edit.shown.width, y1: this.edit.shown.height })
  }

  /** @param {Box | null} box */
  repaint(box) {
    this.dirty = joinBoxes(this.dirty, box)
    this.draw()
  }

  /** Draws with the next frame. */
  draw() {
    if (this.frameAsked) return
    this.frameAsked = true
    requestAnimationFrame(() => {
      this.frameAsked = false
      this.drawNow()
    })
  }

  drawNow() {
    const { view, sketch, cursor } = this
    const { tool, size, tint } = this.toolbar.options
    view.tint = TINTS[/** @type {keyof typeof TINTS} */ (tint)]
    view.resize()
    if (this.dirty) view.paint(this.edit.shown, this.dirty)
    this.dirty = null
    const line = sketch && !sketch.brush ? sketch.line : []
    const isBrush = tool === "brush" || tool === "eraser"
    const rubber = sketch?.tool === "polygon" && cursor ? [...line, cursor] : line
    view.draw({ cursor, radius: isBrush ? size / 100 : 0, line: rubber, closed: sketch?.tool === "lasso" })
  }
}

/** @param {any} node */
function fileOf(node) {
  return widgetOf(node, "image")?.value ?? ""
}

/** A pen's pressure, 1 for everything else. @param {PointerEvent} event */
function pressureOf(event) {
  return event.pointerType === "pen" ? event.pressure : 1
}
