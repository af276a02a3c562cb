// The widget of Preview & Compare: shows what a run has sent, in the view that the node's own widgets hold.
import { makeOperable, oncePerFrame } from "../shared/canvas.mjs"
import { say, statusLine } from "../shared/elements.mjs"
import { keepEvents } from "../shared/events.mjs"
import { chain, keepFresh, setValue, widgetOf } from "../shared/node.mjs"
import { loadPicture, upstreamUrl } from "../shared/pictures.mjs"
import { dress } from "../shared/style.mjs"
import { Bar, CSS } from "./bar.mjs"
import { Hand } from "./hand.mjs"
import { Keys } from "./keys.mjs"
import { Numbers } from "./numbers.mjs"
import { Pointer } from "./pointer.mjs"
import { Frame, Run } from "./run.mjs"
import { sayFrame } from "./said.mjs"
import { Stage } from "./stage.mjs"
import { COLOURS } from "./views.mjs"

/** @typedef {import("./texts.mjs").Texts} Texts */

const WIDGETS = ["view", "position", "opacity", "colour", "gain", "labels"]
const BLINK_MS = 700
const PANEL_PX = 220

export default class Comparer {
  /**
   * Fills the widget's element and keeps it in step with the node.
   * @param {HTMLElement} root
   * @param {any} node
   * @param {{app: any, api: any}} host
   * @param {Texts} texts what it says
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
    /** B is shown in A's place for now, or A in B's. */
    this.flipped = false
    this.blinking = 0
    this.ended = new AbortController()
    this.calm = matchMedia("(prefers-reduced-motion: reduce)")

    this.canvas = document.createElement("canvas")
    this.stage = new Stage(this.canvas, texts)
    this.status = statusLine()
    this.pointer = new Pointer(texts)
    this.numbers = new Numbers(texts)
    this.bar = new Bar(texts, {
      view: (view) => this.choose(view),
      command: (command) => this.command(command),
      slide: (position, done) => this.slide(position, done),
    })
    this.draw = oncePerFrame(() => this.drawNow())
    this.hand = new Hand(this, this.ended.signal)
    this.keys = new Keys(this)
    this.build()
    this.follow()
    void this.refresh()
  }

  build() {
    const { root, canvas, texts } = this
    dress(root, "compare", CSS)
    keepEvents(root)
    new ResizeObserver(() => this.draw()).observe(canvas)
    this.calm.addEventListener("change", () => this.stopBlinking(), { signal: this.ended.signal })
    const help = makeOperable(canvas, texts.canvas, texts.help)
    const [views, looks, slider] = this.bar.elements
    root.append(views, looks, canvas, slider, this.pointer.readout, this.status, this.numbers.element, help)
  }

  /** Notices what happens to the node and to its widgets. */
  follow() {
    const { node, root, host, ended } = this
    const refresh = () => void this.refresh()
    chain(node, "onExecuted", (/** @type {any} */ output) => {
      this.sent = output?.hemline?.[0]
      refresh()
    })
    keepFresh(node, root, host.api, refresh, ended.signal)
    for (const name of WIDGETS) chain(widgetOf(node, name), "callback", () => this.tell())
    chain(node, "onRemoved", () => {
      ended.abort()
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
    return {
      view,
      position: Number(this.value("position")),
      opacity: Number(this.value("opacity")),
      colour: COLOURS[this.value("colour")] ?? COLOURS.blue,
      gain: Number(this.value("gain")),
      labels: Boolean(this.value("labels")),
      cursor: this.pointer.cursor,
      ...this.pointer.naming(this.frame),
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

  /** The line that says what there is to see. */
  message() {
    const { texts, frame, run } = this
    if (this.problem) return this.problem
    if (!frame) return texts.no_picture
    return run ? sayFrame(frame, String(this.value("view")), texts) : texts.run_once
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
    say(this.status, this.message())
    this.draw()
  }

  drawNow() {
    this.stage.draw(this.frame, this.look())
    this.pointer.tell(this.frame)
  }
}
