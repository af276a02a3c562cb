// Elements that widgets are made of: toolbars, buttons, and lines that say something.

/** @param {string} label for a screen reader */
export function makeToolbar(label) {
  const element = document.createElement("div")
  element.setAttribute("role", "toolbar")
  element.setAttribute("aria-label", label)
  return element
}

/**
 * @param {string} key what it is known by: `data-hemline`
 * @param {string} text
 * @param {string} title
 * @param {() => void} act
 */
export function makeButton(key, text, title, act) {
  const element = Object.assign(document.createElement("button"), { type: "button", textContent: text, title })
  element.dataset.hemline = key
  element.addEventListener("click", act)
  return element
}

/** The line below a canvas that says how it stands; a screen reader reads what becomes of it. */
export function statusLine() {
  const element = Object.assign(document.createElement("div"), { className: "hemline-status" })
  element.setAttribute("role", "status")
  return element
}

/**
 * Writes a text where another one stands: a screen reader reads every change.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text
}
