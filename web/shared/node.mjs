// What widgets do with the node that they sit on.

/**
 * Calls `also` after what the node has under that name.
 * @param {any} node
 * @param {string} name
 * @param {(...given: any[]) => void} also
 */
export function chain(node, name, also) {
  const before = node[name]
  node[name] = function (/** @type {any[]} */ ...given) {
    const result = before?.apply(this, given)
    also(...given)
    return result
  }
}

/**
 * Calls `refresh` when a node may have to show something else: after a workflow is loaded, another wire is connected,
 * or the graph has changed anywhere, and when somebody comes to its widget.
 * @param {any} node
 * @param {HTMLElement} root of the widget
 * @param {any} api
 * @param {() => void} refresh
 * @param {AbortSignal} signal until when
 */
export function keepFresh(node, root, api, refresh, signal) {
  for (const type of ["pointerenter", "focusin"]) root.addEventListener(type, refresh)
  chain(node, "onConfigure", refresh)
  chain(node, "onConnectionsChange", () => queueMicrotask(refresh))
  api.addEventListener("graphChanged", refresh, { signal })
}

/**
 * @param {any} node
 * @param {string} name
 */
export function widgetOf(node, name) {
  return node.widgets?.find((/** @type {any} */ widget) => widget.name === name)
}

/**
 * Whether a running node of the host's is this one: by its id, through the subgraphs that it lies in.
 * @param {any} node
 * @param {string} id such as "7", or "12:7" in a subgraph
 * @param {string} workflow the id of the workflow that runs, "" if it has none
 * @param {any} app
 */
export function hasExecutionId(node, id, workflow, app) {
  const root = app.rootGraph ?? app.graph
  if (isKnown(workflow) && isKnown(root.id) && workflow !== String(root.id)) return false
  const path = id.split(":")
  const last = path.pop()
  let graph = root
  for (const step of path) graph = graph?.getNodeById(step)?.subgraph
  return Boolean(graph) && node.graph === graph && String(node.id) === last
}

/**
 * Whether a workflow has an id; one that was made in a cleared graph has zeros until it is loaded again.
 * @param {unknown} id
 */
function isKnown(id) {
  return /[1-9a-f]/.test(String(id ?? ""))
}

/**
 * Gives a widget another value as one step of the graph, which the host can undo and stores in the workflow.
 * @param {any} node
 * @param {any} widget
 * @param {unknown} value
 */
export function setValue(node, widget, value) {
  const graph = node.graph
  graph?.beforeChange?.()
  widget.value = value
  widget.callback?.(value)
  graph?.afterChange?.()
}
