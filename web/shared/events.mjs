// Mouse and keys over a widget: they are the widget's, and the graph below it does not see them.

const OF_POINTERS = ["pointerdown", "pointermove", "pointerup", "mousedown", "dblclick", "contextmenu", "wheel"]
export const MIDDLE = 1
const MIDDLE_HELD = 4

/**
 * Keeps mouse, wheel and plain keys of an element from the host. Keys with Ctrl, Alt or Meta stay the host's.
 * @param {HTMLElement} root
 */
export function keepEvents(root) {
  root.dataset.captureWheel = "true" // Nodes 2.0 then leaves the wheel to us
  for (const type of OF_POINTERS) root.addEventListener(type, (event) => event.stopPropagation())
  root.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation()
  })
}

/**
 * Nodes 2.0 takes the middle button for its graph before it gets to a widget; above this element it is the widget's.
 * @param {HTMLElement} element
 * @param {Record<string, (event: PointerEvent) => void>} acts what is done, by the type of the event
 * @param {AbortSignal} signal until when
 */
export function keepMiddleButton(element, acts, signal) {
  for (const [type, act] of Object.entries(acts)) {
    const take = (/** @type {any} */ event) => {
      if (event.target !== element || !(event.button === MIDDLE || event.buttons & MIDDLE_HELD)) return
      event.stopPropagation()
      act(event)
    }
    window.addEventListener(type, take, { capture: true, signal })
  }
}
