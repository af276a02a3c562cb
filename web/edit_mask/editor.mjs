// The editor on an Edit Mask node: keeps canvas and history in step with the node's text widget, which alone holds the edit.
import { makeOperable } from "../shared/canvas.mjs"
import { keepEvents } from "../shared/events.mjs"
import { chain, keepFresh, setValue, widgetOf } from "../shared/node.mjs"
import { loadPicture, upstreamUrl } from "../shared/pictures.mjs"
import { dress } from "../shared/style.mjs"
import { fill } from "../shared/texts.mjs"
import { Ask } from "./ask.mjs"
import { MaskDocument } from "./document.mjs"
import { Hand } from "./hand.mjs"
import { Keys } from "./keys.mjs"
import { Pen } from "./pen.mjs"
import { Shown } from "./shown.mjs"
import { maskOf, ofOutput, pictureOf, workSize } from "./source.mjs"
import { formatStrokes, makeStroke, parseStrokes } from "./strokes.mjs"
import { CSS, Toolbar } from "./toolbar.mjs"
import { View } from "./view.mjs"

/** @typedef {import("./source.mjs").Source} Source */
/** @typedef {import("./strokes.mjs").OtherVersion} OtherVersion */
/** @typedef {import("./strokes.mjs").Stroke} Stroke */
/** @typedef {import("./texts.mjs").Texts} Texts */
/** @typedef {import("./toolbar.mjs").Command} Command */

export default class Editor {
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
    this.text = widgetOf(node, "strokes") // its value is the edit
    this.host = host
    this.texts = texts
    this.edit = new MaskDocument()
    this.over = { image: "", mask: "" } // digests that the strokes remember
    this.written = "" // the value that the document holds
    this.problem = "" // why the value cannot be edited
    /** What is shown. @type {{key: string, source: Source | null}} */
    this.showing = { key: "", source: null }
    this.loaded = "" // the key of what has arrived of it
    this.ended = new AbortController()

    this.canvas = document.createElement("canvas")
    this.toolbar = new Toolbar(texts, (command) => this.command(command))
    this.view = new View(this.canvas)
    this.pen = new Pen(this)
    this.shown = new Shown(this)
    this.ask = new Ask(this, this.ended.signal)
    this.hand = new Hand(this, this.ended.signal)
    this.keys = new Keys(this)
    this.build()
    this.takeOutput(host.app.nodeOutputs?.[node.id])
    this.follow()
    void this.refresh()
  }

  build() {
    const { root, canvas, texts } = this
    dress(root, "edit", CSS)
    keepEvents(root)
    widgetOf(this.node, "image").label = texts.file_label
    const help = makeOperable(canvas, texts.canvas, texts.help)
    // The host's undo leaves alone what says that text is edited in it (a text area, from 1.58 on anything editable);
    // Ctrl+Z is ours while the canvas has the focus.
    Object.defineProperties(canvas, { type: { value: "textarea" }, isContentEditable: { value: true } })
    root.append(this.ask.bar, ...this.toolbar.elements, canvas, this.shown.status, help)
  }

  /** Notices what happens to the node. */
  follow() {
    const { node, root, host, ended } = this
    const refresh = () => void this.refresh()
    chain(node, "onExecuted", (/** @type {any} */ output) => {
      this.takeOutput(output)
      refresh()
    })
    keepFresh(node, root, host.api, refresh, ended.signal)
    chain(node, "onRemoved", () => ended.abort())
  }

  /**
   * Remembers what a run has shown, and what it was run with.
   * @param {any} output
   */
  takeOutput(output) {
    this.output = output
    this.upstreamAtRun = upstreamUrl(this.node, this.host.api)
    this.fileAtRun = this.file
  }

  /** The file of the host's mask editor. @returns {string} */
  get file() {
    return widgetOf(this.node, "image")?.value ?? ""
  }

  /** Whether the host's mask editor has saved something since the run. */
  get hasNewFile() {
    return this.fileAtRun !== this.file
  }

  /** Takes over the node's value and picture where they are others than before. */
  async refresh() {
    this.takeText()
    const upstream = upstreamUrl(this.node, this.host.api)
    const current = !upstream || upstream === this.upstreamAtRun
    const source = current ? ofOutput(this.output, this.host.api) : null
    const key = source?.url ?? upstream
    if (key === this.showing.key) return this.shown.say()
    this.showing = { key, source }
    this.shown.say()
    try {
      const urls = key ? [key, source?.fileUrl ?? "", source?.workUrl ?? ""] : []
      const pictures = await Promise.all(urls.map((url) => (url ? loadPicture(url) : null)))
      if (this.showing.key !== key) return // another one has come meanwhile
      const [photo = null, seed = null, own = null] = pictures
      const work = own ?? photo
      if (seed) this.node.imgs = [seed] // where the host's mask editor looks
      this.view.photo = photo
      this.view.ratio = photo ? photo.naturalWidth / photo.naturalHeight : 1
      const size = work ? workSize(work) : { width: 1, height: 1 }
      this.edit.setBase(maskOf(seed, size), work && pictureOf(work, size))
    } catch {
      if (this.showing.key !== key) return
      this.view.photo = null
    }
    this.loaded = key
    this.pen.sketch = null
    this.shown.changed()
  }

  get isLoading() {
    return this.loaded !== this.showing.key
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
      this.problem = fill(this.texts.unreadable, { reason: this.reasonOf(error) })
    }
    this.pen.sketch = null
    this.shown.changed()
  }

  /** @param {unknown} error */
  reasonOf(error) {
    const { version, message } = /** @type {Partial<OtherVersion>} */ (error)
    return version === undefined ? String(message) : fill(this.texts.other_version, { version })
  }

  /** Stores the edit in the node's widget and lets the host notice. */
  store() {
    const { source } = this.showing
    this.over = { image: source?.image ?? "", mask: source?.mask ?? "" }
    this.written = formatStrokes({ strokes: this.edit.strokes, ...this.over })
    setValue(this.node, this.text, this.written)
    this.shown.tell()
  }

  /** Ends the stroke that is being drawn, and takes what is shown as drawn over the picture that is shown. */
  finish() {
    this.pen.finish()
    if (!this.problem && this.edit.strokes.length) this.store()
  }

  get canDraw() {
    return Boolean(this.view.photo) && !this.problem
  }

  /** @param {Stroke} stroke */
  add(stroke) {
    this.shown.repaint(this.edit.add(stroke))
    this.store()
  }

  /** @param {Command} command */
  command(command) {
    if (command === "fit") this.view.fit()
    else if (command === "tint") this.shown.repaintAll()
    else if (command === "host") this.openHostEditor()
    else if (this.canDraw || command === "reset") this.change(command)
    this.shown.draw()
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

  /** @param {Command} command */
  change(command) {
    this.pen.drop()
    if (command === "clear" || command === "invert") return this.add(makeStroke(command))
    if (command === "reset") this.forget()
    else if (!(command === "undo" ? this.edit.undo() : this.edit.redo())) return
    this.shown.repaintAll()
    this.store()
  }
}
