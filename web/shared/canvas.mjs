// A canvas that somebody works on, by hand and by keys.
import { keepMiddleButton } from "./events.mjs"

/** Which way an arrow key moves, across and down. @type {Record<string, [number, number]>} */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/**
 * What mouse, pen and finger do. drop: the system has taken the pointer away.
 * @typedef {{press: (event: PointerEvent) => void, move: (event: PointerEvent) => void,
 *   release: (event: PointerEvent) => void, drop: () => void, leave: () => void,
 *   wheel: (event: WheelEvent) => void}} Acts
 */

/**
 * Lets a canvas have the focus, and tells a screen reader what it is and which keys it takes.
 * @param {HTMLCanvasElement} canvas
 * @param {string} label
 * @param {string} keys
 * @returns {HTMLElement} what it is told by: goes beside the canvas
 */
export function makeOperable(canvas, label, keys) {
  const help = Object.assign(document.createElement("div"), { className: "hemline-hidden", textContent: keys })
  help.id = `hemline-help-${crypto.randomUUID?.() ?? Math.random()}`
  canvas.tabIndex = 0
  canvas.setAttribute("role", "application")
  canvas.setAttribute("aria-label", label)
  canvas.setAttribute("aria-describedby", help.id)
  return help
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Acts} acts
 * @param {AbortSignal} signal until when
 */
export function followHand(canvas, acts, signal) {
  /** @type {Record<string, (event: PointerEvent) => void>} */
  const byType = {
    pointerdown: (event) => acts.press(event),
    pointermove: (event) => acts.move(event),
    pointerup: (event) => acts.release(event),
  }
  keepMiddleButton(canvas, byType, signal)
  for (const [type, act] of Object.entries(byType)) canvas.addEventListener(type, /** @type {any} */ (act))
  canvas.addEventListener("pointercancel", () => acts.drop())
  canvas.addEventListener("pointerleave", () => acts.leave())
  canvas.addEventListener("contextmenu", (event) => event.preventDefault())
  canvas.addEventListener("wheel", (event) => acts.wheel(event), { passive: false })
}

/**
 * A function that has `draw` called with the next frame, once however often it is asked to.
 * @param {() => void} draw
 */
export function oncePerFrame(draw) {
  let asked = false
  return () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      draw()
    })
  }
}
