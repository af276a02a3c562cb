// How all widgets of Hemline look: dark in light and dark themes alike, because pictures are judged on it.

const CSS = `
.hemline-widget { --hemline-ground: #1b1b1f; --hemline-text: #f4f4f5; --hemline-raised: #35353d; --hemline-hover: #4a4a55;
  --hemline-border: #6b6b76; --hemline-off: #9d9da8; --hemline-accent: #56b4e9; --hemline-focus: #ffd84d;
  display: flex; flex-direction: column; gap: 4px; width: 100%; height: 100%; box-sizing: border-box; padding: 4px;
  background: var(--hemline-ground); color: var(--hemline-text); font: 12px/1.3 system-ui, sans-serif; border-radius: 6px; }
.hemline-widget [role=toolbar] { display: flex; flex-wrap: wrap; gap: 3px; }
.hemline-widget :is(button, select) { font: inherit; color: var(--hemline-text); background: var(--hemline-raised);
  border: 1px solid var(--hemline-border); border-radius: 4px; padding: 2px 6px; cursor: pointer; }
.hemline-widget button:hover { background: var(--hemline-hover); }
.hemline-widget button[aria-pressed=true] { color: #111; background: var(--hemline-text); }
.hemline-widget button:disabled { color: var(--hemline-off); cursor: default; }
.hemline-widget label { display: flex; align-items: center; gap: 4px; flex: 1 1 100px; min-width: 0; }
.hemline-widget input { flex: 1; min-width: 30px; accent-color: var(--hemline-accent); }
.hemline-widget output { width: 3.2em; text-align: right; font-variant-numeric: tabular-nums; }
.hemline-widget :is(button, select, input, canvas):focus-visible { outline: 2px solid var(--hemline-focus);
  outline-offset: 1px; }
.hemline-widget canvas { flex: 1; min-height: 0; width: 100%; background: #000; touch-action: none; outline-offset: -2px; }
/* It fills the room that the node has; what it has come to be must not keep a node of Nodes 2.0 as tall. */
.hemline-widget canvas[role=application] { contain: size; aspect-ratio: auto; }
.hemline-widget .hemline-status { min-height: 1.3em; }
.hemline-widget .hemline-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
`

/**
 * Makes an element a widget of ours: colours, buttons, sliders, focus; `css` adds the topic's own rules.
 * @param {HTMLElement} root
 * @param {string} topic
 * @param {string} [css]
 */
export function dress(root, topic, css = "") {
  root.classList.add("hemline-widget", `hemline-${topic}`)
  addStyle("widget", CSS)
  if (css) addStyle(topic, css)
}

/**
 * @param {string} name
 * @param {string} css
 */
function addStyle(name, css) {
  const id = `hemline-${name}-style`
  if (document.getElementById(id)) return
  document.head.append(Object.assign(document.createElement("style"), { id, textContent: css }))
}
