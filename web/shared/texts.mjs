// Sentences that users read; each topic keeps its own in its texts.mjs and is handed them, so that they can be translated.

/**
 * A text with its places, such as {name}, filled in.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place))
}
