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
 * @param {any} node
 * @param {string} name
 */
export function widgetOf(node, name) {
  return node.widgets?.find((/** @type {any} */ widget) => widget.name === name)
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
