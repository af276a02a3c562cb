// Pictures that the host serves, and the one that a Load Image node gives to a node.

/**
 * Where the host serves a file that an output or a widget names.
 * @param {any} file filename, subfolder and type, as the host names its files
 * @param {any} api
 * @param {string} [channel] "rgb" or "a"; all if absent
 */
export function viewUrl({ filename, subfolder, type }, api, channel) {
  const query = { filename, subfolder, type, ...(channel ? { channel } : {}) }
  return api.apiURL(`/view?${new URLSearchParams(query)}`)
}

/** @param {string} url */
export async function loadPicture(url) {
  const picture = new Image()
  picture.src = url
  await picture.decode()
  return picture
}

/**
 * The picture that a Load Image node gives to a node's input, straight or over reroutes; "" where there is none.
 * @param {any} node
 * @param {any} api
 * @param {string} [input]
 */
export function upstreamUrl(node, api, input = "picture") {
  let origin = originOf(node, input)
  for (let steps = 0; origin?.type === "Reroute" && steps < 64; steps++) origin = originOf(origin, 0)
  if (!origin?.comfyClass?.startsWith("LoadImage")) return ""
  const name = origin.widgets?.find((/** @type {any} */ widget) => widget.name === "image")?.value
  const parts = typeof name === "string" ? /^(.*?)(?: \[(input|output|temp)\])?$/.exec(name) : null
  if (!parts?.[1]) return ""
  const folders = parts[1].split("/")
  return viewUrl({ filename: folders.pop(), subfolder: folders.join("/"), type: parts[2] ?? "input" }, api, "rgb")
}

/**
 * The node that is connected to an input; null where there is none.
 * @param {any} node
 * @param {string | number} input its name or its place
 */
function originOf(node, input) {
  const at = typeof input === "number" ? input : node.findInputSlot(input)
  return at < 0 || !node.graph ? null : node.getInputNode(at) // a node that was removed has no graph, and then it throws
}
