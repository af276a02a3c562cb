// Hemline in ComfyUI's page. Small on purpose: what a node needs is loaded when such a node is there, out of .mjs files,
// which the host does not load by itself.
import { api } from "../../scripts/api.js"
import { app } from "../../scripts/app.js"

/** What is done to a fresh node, by its class. @type {Record<string, (node: any) => void>} */
const ATTACH = {
  HemlineEditMask: attachEditor,
  HemlineGrowFeatherMask: attachPreview,
  HemlineBlendLayers: attachPreview,
  HemlinePreviewCompare: attachComparer,
}

app.registerExtension({
  name: "Hemline",
  /** @param {any} node */
  nodeCreated(node) {
    ATTACH[node.comfyClass]?.(node)
  },
})

/** The canvas of Edit Mask; its value stays in the node's own text widget `strokes`. @param {any} node */
function attachEditor(node) {
  const text = node.widgets.find((/** @type {any} */ widget) => widget.name === "strokes")
  text.hidden = text.options.hidden = true
  hidePreviews(node, ["$$canvas-image-preview"])
  const root = addCanvas(node, "canvas", "hemline_edit_mask", () => 440)
  node.setSize([Math.max(node.size[0], 460), Math.max(node.size[1], 680)])
  void openWidget(import("./edit_mask/editor.mjs"), "edit_mask", root, node)
}

/** The views of Preview & Compare; what is chosen there goes into the node's own widgets. @param {any} node */
function attachComparer(node) {
  hidePreviews(node, ["$$canvas-image-preview", "$$node-text-preview"])
  const root = addCanvas(node, "canvas", "hemline_compare", () => 400)
  node.setSize([Math.max(node.size[0], 540), Math.max(node.size[1], 820)])
  void openWidget(import("./compare/comparer.mjs"), "compare", root, node)
}

/**
 * A live preview. Nodes of workflows from before there were any keep their size: it is folded there.
 * @param {any} node
 */
function attachPreview(node) {
  const height = () => (node.properties.hemline_preview === "off" ? 36 : 300)
  node.properties.hemline_preview ??= "on"
  const before = node.onConfigure
  node.onConfigure = function (/** @type {any} */ saved) {
    if (!saved.properties?.hemline_preview) node.properties.hemline_preview = "off"
    return before?.call(this, saved)
  }
  const root = addCanvas(node, "preview", "hemline_live", height)
  node.setSize([Math.max(node.size[0], 340), node.computeSize()[1]])
  void openWidget(import("./live/widget.mjs"), "live", root, node)
}

/**
 * An element of ours as the node's last widget, so that no other one's place moves; it has no value of its own.
 * @param {any} node
 * @param {string} name
 * @param {string} type
 * @param {() => number} height the least
 */
function addCanvas(node, name, type, height) {
  const root = document.createElement("div")
  const options = { serialize: false, hideOnZoom: false, getMinHeight: height }
  node.addDOMWidget(name, type, root, options).serialize = false
  return root
}

/**
 * Fills an element with a widget that speaks the language of the page.
 * @param {Promise<{default: new (root: HTMLElement, node: any, host: any, texts: any) => object}>} module
 * @param {string} topic its folder
 * @param {HTMLElement} root
 * @param {any} node
 */
async function openWidget(module, topic, root, node) {
  const texts = import("./words.mjs").then(({ textsOf }) => textsOf(topic))
  const [{ default: Widget }] = await Promise.all([module, texts])
  return new Widget(root, node, { app, api }, await texts)
}

/**
 * Keeps the host from showing below the canvas what the canvas shows; it keeps the pictures, which its mask editor needs.
 * @param {any} node
 * @param {string[]} names of the host's own widgets, which it adds after a run
 */
function hidePreviews(node, names) {
  node.hideOutputImages = true // asked for by Nodes 2.0
  const add = node.addCustomWidget // by which the classic canvas adds them
  node.addCustomWidget = function (/** @type {any} */ widget) {
    if (names.includes(widget.name)) widget.hidden = (widget.options ??= {}).hidden = true // Nodes 2.0 reads the latter
    return add.call(this, widget)
  }
}
