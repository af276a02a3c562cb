// The preview on a node: keeps a picture in step with the node's widgets, without a run.
//
// The widgets are looked at once per frame, and only while the preview is on the screen: that works for every way in which
// either renderer changes them, and touches nothing of the host's.
import { makeButton, makeToolbar, say, statusLine } from "../shared/elements.mjs"
import { keepEvents } from "../shared/events.mjs"
import { chain, widgetOf } from "../shared/node.mjs"
import { viewUrl } from "../shared/pictures.mjs"
import { dress } from "../shared/style.mjs"
import { fill } from "../shared/texts.mjs"
import { sharedGpu } from "./gpu.mjs"
import { KINDS } from "./kinds.mjs"

/** @typedef {import("./kinds.mjs").Kind} Kind */
/** @typedef {import("./texts.mjs").Texts} Texts */
/** What a run sent. @typedef {{key: string, data: import("./kinds.mjs").Data, bitmaps: import("./kinds.mjs").Bitmaps}} Run */

/** Of the node: "on", "off", or the number of a view; goes into the workflow. */
const PROPERTY = "hemline_preview"
const OFF = "off"
const CSS = `
.hemline-live .hemline-frame { flex: 1; min-height: 0; position: relative; }
.hemline-live canvas { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
.hemline-live [hidden] { display: none; }
`

export default class LivePreview {
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
    /** @type {Kind} */
    this.kind = KINDS[node.comfyClass]
    this.gpu = sharedGpu()
    /** @type {Run | null} */
    this.run = null
    /** @type {import("./kinds.mjs").Source | null} */
    this.source = null
    this.wanted = "" // the run that is asked for
    this.drawn = "" // for what the canvas was drawn
    this.redraws = 0
    this.message = ""
    this.onScreen = false
    this.ended = new AbortController()

    this.toggle = makeButton("toggle", texts.toggle, texts.toggle_hint, () => this.set(this.isOff ? "on" : OFF))
    this.view = document.createElement("select")
    this.frame = document.createElement("div")
    this.canvas = document.createElement("canvas")
    this.status = statusLine()
    this.build()
    this.follow()
    this.take(host.app.nodeOutputs?.[node.id])
    this.fold()
  }

  build() {
    const { root, toggle, view, canvas, status, texts, kind } = this
    dress(root, "live", CSS)
    keepEvents(root)
    const bar = makeToolbar(texts.toggle)
    view.setAttribute("aria-label", texts.view)
    view.dataset.hemline = "view"
    kind.views.forEach((key, at) => view.add(new Option(texts[key], String(at))))
    view.addEventListener("change", () => this.set(view.value))
    canvas.setAttribute("role", "img")
    bar.append(toggle, view)
    // The picture fills the room that the node has, and does not ask for more.
    this.frame.className = "hemline-frame"
    this.frame.append(canvas)
    root.append(bar, this.frame, status)
  }

  /** Notices what happens to the node and to the graphics. */
  follow() {
    const { node, ended } = this
    chain(node, "onExecuted", (/** @type {any} */ output) => this.take(output))
    chain(node, "onConfigure", () => {
      if (!this.wanted) this.take(this.host.app.nodeOutputs?.[node.id])
      this.fold()
    })
    chain(node, "onConnectionsChange", (/** @type {number} */ type, /** @type {number} */ slot) => {
      const isInput = type === 1
      if (isInput && this.kind.wires.includes(node.inputs?.[slot]?.name)) this.forget()
    })
    chain(node, "onRemoved", () => this.end())
    this.gpu?.addEventListener("change", () => this.look(), { signal: ended.signal })
    const seen = new IntersectionObserver((entries) => {
      const wasOnScreen = this.onScreen
      this.onScreen = entries[entries.length - 1].isIntersecting
      if (this.onScreen && !wasOnScreen) this.watch()
    })
    seen.observe(this.root)
    ended.signal.addEventListener("abort", () => seen.disconnect())
  }

  /** Looks at the node once per frame while somebody sees it. */
  watch() {
    if (!this.onScreen || this.ended.signal.aborted) return
    this.look()
    requestAnimationFrame(() => this.watch())
  }

  end() {
    this.ended.abort()
    this.release()
  }

  release() {
    if (this.gpu) this.source?.free(this.gpu)
    this.source = null
    for (const bitmap of Object.values(this.run?.bitmaps ?? {})) bitmap.close()
    this.run = null
  }

  /** The inputs are others than at the last run. */
  forget() {
    this.wanted = ""
    this.release()
    this.look()
  }

  get isOff() {
    return this.node.properties?.[PROPERTY] === OFF
  }

  /** @param {string} value of the property; one step of the graph that the host can undo */
  set(value) {
    const { node } = this
    node.graph?.beforeChange?.()
    node.properties[PROPERTY] = value
    node.graph?.afterChange?.()
    this.fold()
    node.setSize([node.size[0], Math.max(node.computeSize()[1], this.isOff ? 0 : node.size[1])])
    node.setDirtyCanvas?.(true, true)
  }

  /** Shows or hides what is below the button. */
  fold() {
    const { isOff } = this
    this.toggle.setAttribute("aria-pressed", String(!isOff))
    for (const element of [this.frame, this.status]) element.hidden = isOff
    this.drawn = ""
    this.look()
  }

  /** Takes over what a run sent. @param {any} output of the node */
  take(output) {
    const sent = output?.hemline?.[0]
    if (!sent?.pictures?.result) return
    const { pictures, ...data } = sent
    const key = JSON.stringify(pictures)
    if (key === this.wanted) return
    this.wanted = key
    void this.load(key, pictures, data)
  }

  /**
   * @param {string} key
   * @param {Record<string, any[]>} pictures
   * @param {import("./kinds.mjs").Data} data
   */
  async load(key, pictures, data) {
    /** @type {import("./kinds.mjs").Bitmaps} */
    const bitmaps = {}
    let message = ""
    try {
      await Promise.all(
        Object.entries(pictures).map(async ([name, [file]]) => {
          bitmaps[name] = await loadBitmap(viewUrl(file, this.host.api))
        }),
      )
    } catch {
      message = this.texts.unreadable
    }
    if (this.wanted !== key || this.ended.signal.aborted) return // another run has come meanwhile
    this.release()
    this.run = message ? null : { key, data, bitmaps }
    this.message = message
    this.look()
  }

  /** Draws if anything has changed since it was drawn. */
  look() {
    const { node, kind, run, gpu } = this
    if (this.isOff || this.ended.signal.aborted) return
    const values = Object.fromEntries(kind.settings.map((name) => [name, widgetOf(node, name)?.value]))
    const wired = kind.settings.find((name) => isWired(node, name)) ?? ""
    const state = [run?.key, this.wanted, values, wired, node.properties?.[PROPERTY], gpu?.generation, gpu?.lost]
    const key = JSON.stringify(state)
    if (key === this.drawn) return
    this.drawn = key
    this.draw(values, wired)
  }

  /**
   * @param {import("./kinds.mjs").Values} values
   * @param {string} wired a widget whose value comes over a wire
   */
  draw(values, wired) {
    const { run, texts, canvas, view } = this
    canvas.style.visibility = run ? "visible" : "hidden"
    view.hidden = !run?.bitmaps.image
    if (!run) return this.say(this.message || (this.wanted ? texts.loading : texts.run_once))
    const reason = wired ? fill(texts.wired, { name: wired }) : this.missing(run, values)
    canvas.width = run.bitmaps.result.width
    canvas.height = run.bitmaps.result.height
    const number = Number(this.node.properties?.[PROPERTY]) || 0
    view.value = String(number)
    if (reason) canvas.getContext("2d")?.drawImage(run.bitmaps.result, 0, 0)
    else if (this.gpu) this.kind.draw(this.gpu, this.source, values, run.data, canvas, number)
    this.root.dataset.redraws = String(++this.redraws)
    if (reason) return this.say(fill(texts.still, { reason }))
    const notes = [fill(texts.live, { width: canvas.width, height: canvas.height })]
    if (Number(run.data.count) > 1) notes.push(fill(texts.first_of, { count: run.data.count }))
    if (run.data.beyond) notes.push(texts.beyond)
    this.say(notes.join(" "))
  }

  /**
   * Why there is no live preview; "" where there is one, and then its source is ready.
   * @param {Run} run
   * @param {import("./kinds.mjs").Values} values
   */
  missing({ data, bitmaps }, values) {
    const { gpu, kind, texts } = this
    if (!gpu) return texts.no_webgl
    const reason = () => {
      if (gpu.lost || gpu.gl.isContextLost()) return "lost"
      const before = kind.missing(values, data, bitmaps, this.source)
      if (before) return before
      this.source ??= kind.source(gpu, bitmaps, data)
      if (gpu.gl.isContextLost()) {
        this.source = null // what was read meanwhile is nothing
        return "lost"
      }
      return kind.missing(values, data, bitmaps, this.source)
    }
    const key = reason()
    return key ? fill(texts[key], values) : ""
  }

  /** @param {string} text */
  say(text) {
    say(this.status, text)
    this.canvas.setAttribute("aria-label", `${this.texts[this.kind.label]}. ${text}`)
  }
}

/** @param {string} url */
async function loadBitmap(url) {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
  return bitmapOf(await answer.blob())
}

/** A picture with its bytes as they are in the file. @param {Blob} file */
export function bitmapOf(file) {
  return createImageBitmap(file, { premultiplyAlpha: "none", colorSpaceConversion: "none" })
}

/**
 * Whether a widget's value comes over a wire.
 * @param {any} node
 * @param {string} name
 */
function isWired(node, name) {
  const slot = node.findInputSlot?.(name) ?? -1
  return slot >= 0 && node.isInputConnected(slot)
}
