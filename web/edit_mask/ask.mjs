// "Wait for OK": a run stops at the node, shows its mask on the canvas, and goes on with what is drawn until OK is pressed.
import { makeButton } from "../shared/elements.mjs"
import { hasExecutionId } from "../shared/node.mjs"
import { fill } from "../shared/texts.mjs"

/** @typedef {import("./editor.mjs").default} Editor */

const EVENT = "hemline.ask"
const ROUTE = "/hemline/edit_mask/answer"

export class Ask {
  /**
   * @param {Editor} editor
   * @param {AbortSignal} signal until when
   */
  constructor(editor, signal) {
    this.editor = editor
    this.token = "" // of the question that waits for an answer
    this.trouble = "" // why an answer was not taken
    const { texts, host } = editor
    this.bar = Object.assign(document.createElement("div"), { className: "hemline-ask", hidden: true })
    this.bar.setAttribute("role", "group")
    this.bar.setAttribute("aria-label", texts.waiting)
    this.buttons = /** @type {const} */ (["ok", "cancel"]).map((key) =>
      makeButton(key, texts[key], texts[`${key}_hint`], () => void this.answer(key === "ok")),
    )
    this.bar.append(Object.assign(document.createElement("span"), { textContent: texts.waiting }), ...this.buttons)
    host.api.addEventListener(EVENT, (/** @type {any} */ { detail }) => this.hear(detail), { signal })
  }

  /**
   * What a run says: that it waits (again and again, for pages that were not there), or that it does no longer.
   * @param {{node: string, token: string, workflow: string, waiting: boolean, output: any}} question
   */
  hear({ node, token, workflow, waiting, output }) {
    const { editor } = this
    if (!waiting) return token === this.token ? this.show("") : undefined
    if (token === this.token || !hasExecutionId(editor.node, node, workflow, editor.host.app)) return
    this.show(token)
    editor.takeOutput(output)
    void editor.refresh()
  }

  /** @param {string} token "" where nothing is asked */
  show(token) {
    this.token = token
    this.trouble = ""
    this.bar.hidden = !token
    this.enable(true)
    this.editor.shown.say()
  }

  /** @param {boolean} yes whether the buttons answer */
  enable(yes) {
    for (const button of this.buttons) button.disabled = !yes
  }

  /** What the line below the canvas says of it. */
  get message() {
    return this.token && (this.trouble || this.editor.texts.waiting)
  }

  /** @param {boolean} ok */
  async answer(ok) {
    const { editor, token } = this
    this.enable(false)
    if (ok) editor.finish()
    const body = JSON.stringify({ token, ok, ...(ok ? { value: String(editor.text.value ?? "") } : {}) })
    const headers = { "Content-Type": "application/json" }
    const trouble = await editor.host.api.fetchApi(ROUTE, { method: "POST", headers, body }).then(
      async (/** @type {Response} */ response) => (response.ok ? "" : await reasonOf(response)),
      (/** @type {unknown} */ error) => String(error),
    )
    if (token !== this.token) return // the run has said meanwhile that it goes on
    if (!trouble) return this.show("")
    this.enable(true)
    this.trouble = fill(editor.texts.not_taken, { reason: trouble })
    editor.shown.say()
  }
}

/** @param {Response} response */
async function reasonOf(response) {
  const { message } = await response.json().catch(() => ({}))
  return String(message ?? response.status)
}
