// The widget of Preview & Compare: shows what a run has sent, in the view that the node's own widgets hold.
import { MIDDLE, keepEvents, keepMiddleButton } from "../shared/events.mjs"
import { chain, setValue, widgetOf } from "../shared/node.mjs"
import { loadPicture, upstreamUrl } from "../shared/pictures.mjs"
import { dress } from "../shared/style.mjs"
import { fill } from "../shared/texts.mjs"
import { Bar, CSS } from "./bar.mjs"
import { Numbers } from "./numbers.mjs"
import { Frame, Run } from "./run.mjs"
import { Stage } from "./stage.mjs"
import { COLOURS, NEED_B, NEED_MASK, VIEWS } from "./views.mjs"

/** @typedef {import("../shared/viewport.mjs").Point} Point */
/** @typedef {import("./texts.mjs").Texts} Texts */

const WIDGETS = ["view", "position", "opacity", "colour", "gain", "labels"]
const ZOOM_STEP = 1.25
const STEP = 0.02
const SLIDER_STEP = 0.01
const NEAR_PX = 10
const BLINK_MS = 700
const PANEL_PX = 220
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/**
 * Fills the widget's element and keeps it in step with the node.
 * @param {HTMLElement} root
 * @param {any} node
 * @param {{app: any, api: any}} host
 * @param {Texts} texts what it says
 */
export function openComparer(root, node, host, texts) {
  return new Comparer(root, node, host, texts)
}

class Comparer {
  /**
   * @param {HTMLElement} root
   * @param {any} node
   * @param {{app: any, api: any}} host
   * @param {Texts} texts
   */
  constructor(root, node, host, texts) {
    this.root = root
    this.node = node
    this.host = host
    this.texts = texts
    /** What the last run has sent. @type {any} */
    this.sent = null
    /** What the shown frame was made of. @type {unknown} */
    this.source = null
    /** @type {Run | null} */
    this.run = null
    /** @type {Frame | null} */
    this.frame = null
    this.index = 0
    this.problem = ""
    /** @type {Point | null} */
    this.cursor = null
    /** What the hand has grabbed to pan. @type {Point | null} */
    this.grabbed = null
    this.sliding = false
    /** B is shown in A's place for now, or A in B's. */
    this.flipped = false
    this.blinking = 0
    this.frameAsked = false
    this.ended = new AbortController()
    this.calm = matchMedia("(prefers-reduced-motion: reduce)")

    this.canvas = document.createElement("canvas")
    this.stage = new Stage(this.canvas, texts)
    this.status = Object.assign(document.createElement("div"), { className: "hemline-status" })
    this.readout = Object.assign(document.createElement("div"), { className: "hemline-readout" })
    this.numbers = new Numbers(texts)
    this.bar = new Bar(texts, {
      view: (view) => this.choose(view),
      command: (command) => this.command(command),
      slide: (position, done) => this.slide(position, done),
    })
    this.build()
    this.listen()
    this.follow()
    void this.refresh()
  }

  build() {
    const { root, canvas, texts, status, readout } = this
    dress(root, "compare", CSS)
    canvas.tabIndex = 0
    canvas.setAttribute("role", "application")
    canvas.setAttribute("aria-label", texts.canvas)
    const help = Object.assign(document.createElement("div"), { className: "hemline-hidden", textContent: texts.help })
    help.id = `hemline-compare-help-${crypto.randomUUID?.() ?? Math.random()}`
    canvas.setAttribute("aria-describedby", help.id)
    status.setAttribute("role", "status")
    const [views, looks, slider] = this.bar.elements
    root.append(views, looks, canvas, slider, readout, status, this.numbers.element, help)
  }

  listen() {
    const { root, canvas } = this
    /** @type {Record<string, (event: PointerEvent) => void>} */
    const hand = {
      pointerdown: (event) => this.press(event),
      pointermove: (event) => this.move(event),
      pointerup: () => this.release(),
    }
    keepEvents(root)
    keepMiddleButton(canvas, hand, this.ended.signal)
    for (const type of ["pointerenter", "focusin"]) root.addEventListener(type, () => void this.refresh())
    for (const [type, act] of Object.entries(hand)) canvas.addEventListener(type, /** @type {any} */ (act))
    canvas.addEventListener("pointercancel", () => this.release())
    canvas.addEventListener("pointerleave", () => this.leave())
    canvas.addEventListener("contextmenu", (event) => event.preventDefault())
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
    canvas.addEventListener("keydown", (event) => this.key(event))
    new ResizeObserver(() => this.draw()).observe(canvas)
    this.calm.addEventListener("change", () => this.stopBlinking(), { signal: this.ended.signal })
  }

  /** Notices what happens to the node: a run, a loaded workflow, another wire, another value of its widgets. */
  follow() {
    const { node, host } = this
    const refresh = () => void this.refresh()
    chain(node, "onExecuted", (/** @type {any} */ output) => {
      this.sent = output?.hemline?.[0]
      refresh()
    })
    chain(node, "onConfigure", refresh)
    chain(node, "onConnectionsChange", () => queueMicrotask(refresh))
    for (const name of WIDGETS) chain(widgetOf(node, name), "callback", () => this.tell())
    host.api.addEventListener("graphChanged", refresh, { signal: this.ended.signal })
    chain(node, "onRemoved", () => {
      this.ended.abort()
      clearInterval(this.blinking)
    })
  }

  /** Takes over the last run's pictures, or before the first run the one that goes in, where they are others now. */
  async refresh() {
    this.sent ??= this.host.app.nodeOutputs?.[this.node.id]?.hemline?.[0] // kept by the host beyond the node's own life
    const source = this.sent?.pictures ? this.sent : upstreamUrl(this.node, this.host.api, "image")
    if (source !== this.source) {
      this.source = source
      this.run = this.sent?.pictures ? new Run(this.sent, this.host.api) : null
      this.index = Math.min(this.index, (this.run?.count ?? 1) - 1)
      await this.load()
    }
    this.tell()
  }

  /** Loads the frame that is to be shown. */
  async load() {
    const { source, run, index } = this
    this.problem = ""
    this.root.ariaBusy = "true"
    try {
      /** @type {Frame | null} */
      let frame = null
      if (run) frame = await run.frame(index)
      else if (source) frame = new Frame({ a: await loadPicture(String(source)) }, {})
      if (source !== this.source || index !== this.index) return // another one has come meanwhile
      this.frame = frame
    } catch {
      if (source !== this.source || index !== this.index) return
      this.frame = null
      this.problem = this.texts.gone
    }
    this.root.ariaBusy = "false"
    this.numbers.show(this.frame?.facts ?? {})
    this.tell()
  }

  /** @param {string} name of one of the node's widgets */
  value(name) {
    return widgetOf(this.node, name)?.value
  }

  /** @param {string} name @param {unknown} value */
  store(name, value) {
    if (this.value(name) !== value) setValue(this.node, widgetOf(this.node, name), value)
    this.tell()
  }

  /** What is shown: the widgets' values, as they are or flipped. */
  look() {
    const stored = String(this.value("view"))
    const view = this.flipped ? (stored === "B" ? "A" : "B") : stored
    const { named, words } = this.naming()
    return {
      view,
      position: Number(this.value("position")),
      opacity: Number(this.value("opacity")),
      colour: COLOURS[this.value("colour")] ?? COLOURS.blue,
      gain: Number(this.value("gain")),
      labels: Boolean(this.value("labels")),
      cursor: this.cursor,
      named,
      words,
    }
  }

  /** @param {string} view */
  choose(view) {
    this.stopBlinking()
    this.store("view", view)
  }

  /** @param {import("./bar.mjs").Command} command */
  command(command) {
    if (command === "fit") this.stage.fit()
    else if (command === "blink") this.blink()
    else if (command === "numbers") this.toggleNumbers()
    else this.step(command === "next" ? 1 : -1)
    this.tell()
  }

  /** Opens or closes the panel; the node grows by as much, so that the picture stays as large. */
  toggleNumbers() {
    const { element } = this.numbers
    element.hidden = !element.hidden
    const [width, height] = this.node.size
    this.node.setSize([width, height + (element.hidden ? -PANEL_PX : PANEL_PX)])
    this.node.setDirtyCanvas?.(true, true)
  }

  /** Blinks, or flips once where the system asks for less motion. */
  blink() {
    if (this.blinking) return this.stopBlinking()
    this.flip()
    if (!this.calm.matches) this.blinking = setInterval(() => this.flip(), BLINK_MS)
  }

  flip() {
    if (!this.frame?.pictures.b) return
    this.flipped = !this.flipped
    this.draw()
  }

  stopBlinking() {
    clearInterval(this.blinking)
    this.blinking = 0
    this.flipped = false
    this.tell()
  }

  /** @param {number} by */
  step(by) {
    const index = Math.min((this.run?.count ?? 1) - 1, Math.max(0, this.index + by))
    if (index === this.index) return
    this.index = index
    void this.load()
  }

  /**
   * @param {number} position
   * @param {boolean} done whether it stays there: then the graph takes it as one step
   */
  slide(position, done) {
    const value = Math.round(Math.min(1, Math.max(0, position)) * 100) / 100
    const widget = widgetOf(this.node, "position")
    if (done) setValue(this.node, widget, value)
    else widget.value = value
    this.tell()
  }

  // --- by hand -----------------------------------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  press(event) {
    this.canvas.focus({ preventScroll: true })
    if (event.button !== 0 && event.button !== MIDDLE) return
    event.preventDefault()
    const point = this.stage.under(event)
    const look = this.look()
    const isSlider = event.button === 0 && look.view === "A/B" && Boolean(this.frame?.pictures.b)
    if (isSlider && (this.stage.zoom === 1 || this.stage.fromSlider(event, look.position) < NEAR_PX)) {
      this.sliding = true
      this.slide(point.x, false)
    } else this.grabbed = point
    this.canvas.setPointerCapture(event.pointerId)
  }

  /** @param {PointerEvent} event */
  move(event) {
    const point = this.stage.under(event)
    if (this.sliding) this.slide(point.x, false)
    if (this.grabbed) this.stage.pan(this.grabbed, point)
    this.cursor = inside(point) ? point : null
    if (!this.sent) void this.refresh()
    this.readout.removeAttribute("aria-live")
    this.draw()
  }

  release() {
    if (this.sliding) this.slide(this.value("position"), true)
    this.sliding = false
    this.grabbed = null
    this.draw()
  }

  leave() {
    if (!this.sliding && !this.grabbed) this.cursor = null
    this.draw()
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault()
    this.stage.zoomAt(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, this.stage.under(event))
    this.draw()
  }

  // --- by keys -----------------------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return // the host's
    const key = event.key.toLowerCase()
    const number = Number(key)
    const middle = this.cursor ?? this.stage.centre
    if (event.key in ARROWS) this.moveCursor(ARROWS[event.key], event.shiftKey)
    else if (key === "," || key === ".") {
      this.slide(Number(this.value("position")) + (key === "." ? SLIDER_STEP : -SLIDER_STEP), true)
    } else if (key === "x") this.flip()
    else if (key === "+" || key === "-") this.stage.zoomAt(key === "+" ? ZOOM_STEP : 1 / ZOOM_STEP, middle)
    else if (key === "0") this.stage.fit()
    else if (number >= 1 && number <= VIEWS.length) this.choose(VIEWS[number - 1])
    else if (key === "pageup" || key === "pagedown") this.step(key === "pagedown" ? 1 : -1)
    else return
    event.preventDefault()
    event.stopPropagation()
    this.tell()
  }

  /**
   * @param {[number, number]} direction
   * @param {boolean} small
   */
  moveCursor([across, down], small) {
    const { frame } = this
    if (!frame) return
    const from = this.cursor ?? this.stage.centre
    const step = (/** @type {number} */ pixels) => (small ? 1 / pixels : STEP / this.stage.zoom)
    const [x, y] = [from.x + across * step(frame.width), from.y + down * step(frame.height)]
    this.cursor = { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) }
    this.readout.setAttribute("aria-live", "polite")
  }

  // --- shown -------------------------------------------------------------------------------------------------------

  /** Which pixel of what was sent is under the pointer, as a place in its data; -1 without one. */
  place() {
    const { cursor, frame } = this
    if (!cursor || !frame) return -1
    const [x, y] = [cursor.x * frame.width, cursor.y * frame.height].map(Math.floor)
    return 4 * (Math.min(y, frame.height - 1) * frame.width + Math.min(x, frame.width - 1))
  }

  /** Which garment is under the pointer: its number, -1 for none, and its name with its score. */
  naming() {
    const { frame } = this
    const at = this.place()
    const map = at >= 0 ? frame?.pixels("garments") : null
    if (!map || !frame) return { named: -1, words: "" }
    const named = map.data[at] - 1
    const garment = frame.facts.garments?.[named]
    if (garment) return { named, words: wordsOf(garment) }
    const part = map.data[at + 1]
    return { named: -1, words: part ? (frame.facts.legend?.[part] ?? "") : "" }
  }

  /** The line about the pixel under the pointer. */
  reading() {
    const { frame, cursor, texts } = this
    const at = this.place()
    if (!frame || !cursor || at < 0) return ""
    const { width = frame.width, height = frame.height } = frame.facts
    const x = Math.min(width - 1, Math.floor(cursor.x * width))
    const y = Math.min(height - 1, Math.floor(cursor.y * height))
    const parts = [fill(texts.at, { x, y })]
    for (const [name, text] of /** @type {const} */ ([["a", texts.value_a], ["b", texts.value_b]])) {
      const data = frame.pixels(name)?.data
      if (data) parts.push(fill(text, { value: colourOf(data, at) }))
    }
    const mask = frame.pixels("mask")?.data
    if (mask) parts.push(fill(texts.value_mask, { value: (mask[at] / 255).toFixed(2) }))
    const { words } = this.naming()
    return [...parts, ...(words ? [words] : [])].join(" · ")
  }

  /** The line that says what there is to see. */
  message() {
    const { texts, frame, run } = this
    if (this.problem) return this.problem
    if (!frame) return texts.no_picture
    if (!run) return texts.run_once
    const { facts } = frame
    const view = String(this.value("view"))
    const parts = []
    if (!frame.has(view)) {
      parts.push(NEED_B.includes(view) ? texts.no_second : NEED_MASK.includes(view) ? texts.no_mask : "")
    }
    if (facts.method) parts.push(this.found(facts))
    if (facts.mask) parts.push(...this.polarity(facts.mask))
    if (facts.change?.all) parts.push(this.changed(facts.change))
    if (frame.width < facts.width) {
      const full = { full_width: facts.width, full_height: facts.height }
      parts.push(fill(texts.reduced, { width: frame.width, height: frame.height, ...full }))
    }
    return [...new Set([...parts, ...(facts.notes ?? [])])].join("; ")
  }

  /** @param {any} facts */
  found({ method, garments }) {
    const names = garments.map(wordsOf).join(", ")
    return fill(names ? this.texts.found_names : this.texts.nothing_found, { method, names })
  }

  /** @param {any} change */
  changed({ all, outside }) {
    const { texts } = this
    if (all.psnr_db === null) return texts.equal
    const [share, psnr] = [percent(all.share, 2), all.psnr_db.toFixed(1)]
    if (!outside) return fill(texts.changed, { share, psnr })
    return fill(texts.changed_outside, { share, psnr, outside: percent(outside.share, 2) })
  }

  /** What the mask repaints, and whether it may be the wrong way round. @param {any} mask */
  polarity(mask) {
    const { texts } = this
    if (mask.empty) return [texts.empty]
    if (mask.lowest > 0.998) return [texts.whole]
    if (!mask.box) return [fill(texts.faint, { highest: percent(mask.highest, 0) })]
    const words = [fill(texts.polarity, { share: percent(mask.share, 1) })]
    if (mask.inverted) {
      words.push(fill(texts.inverted, { sides: mask.touches.length, frame: percent(mask.frame_share, 0) }))
    }
    return words
  }

  /** Brings everything in step with the widgets' values. */
  tell() {
    this.bar.tell({
      view: String(this.value("view")),
      position: Number(this.value("position")),
      index: this.index,
      count: this.run?.count ?? 1,
      isTwo: Boolean(this.frame?.pictures.b),
      blinking: this.blinking !== 0,
      open: !this.numbers.element.hidden,
      still: this.calm.matches,
    })
    const message = this.message()
    if (this.status.textContent !== message) this.status.textContent = message // a screen reader reads every change
    this.draw()
  }

  /** Draws with the next frame. */
  draw() {
    if (this.frameAsked) return
    this.frameAsked = true
    requestAnimationFrame(() => {
      this.frameAsked = false
      this.stage.draw(this.frame, this.look())
      const reading = this.reading()
      if (this.readout.textContent !== reading) this.readout.textContent = reading
    })
  }
}

/** @param {Point} point */
function inside({ x, y }) {
  return x >= 0 && x <= 1 && y >= 0 && y <= 1
}

/** A garment's name and score. @param {any} garment */
function wordsOf({ label, score }) {
  return `${label} ${score.toFixed(2)}`
}

/**
 * @param {Uint8ClampedArray} data
 * @param {number} at
 */
function colourOf(data, at) {
  const parts = data[at + 3] === 255 ? 3 : 4
  return Array.from(data.subarray(at, at + parts)).join(" ")
}

/**
 * @param {number} share
 * @param {number} digits
 */
function percent(share, digits) {
  return Number((share * 100).toFixed(digits))
}
