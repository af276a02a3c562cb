// The line below the canvas: what there is to see, whether the mask may be the wrong way round, how far A and B are apart.
import { fill } from "../shared/texts.mjs"
import { wordsOf } from "./pointer.mjs"
import { NEED_B, NEED_MASK } from "./views.mjs"

/** @typedef {import("./run.mjs").Frame} Frame */
/** @typedef {import("./texts.mjs").Texts} Texts */

// A mask whose lowest value is above this is the whole picture.
const WHOLE = 0.998

/**
 * @param {Frame} frame
 * @param {string} view
 * @param {Texts} texts
 */
export function sayFrame(frame, view, texts) {
  const { facts } = frame
  const parts = []
  if (!frame.has(view)) {
    parts.push(NEED_B.includes(view) ? texts.no_second : NEED_MASK.includes(view) ? texts.no_mask : "")
  }
  if (facts.method) parts.push(sayFound(facts, texts))
  if (facts.mask) parts.push(...sayPolarity(facts.mask, texts))
  if (facts.change?.all) parts.push(sayChange(facts.change, texts))
  if (frame.width < facts.width) {
    const full = { full_width: facts.width, full_height: facts.height }
    parts.push(fill(texts.reduced, { width: frame.width, height: frame.height, ...full }))
  }
  return [...new Set([...parts, ...(facts.notes ?? [])])].join("; ")
}

/**
 * @param {any} facts
 * @param {Texts} texts
 */
function sayFound({ method, garments }, texts) {
  const names = garments.map(wordsOf).join(", ")
  return fill(names ? texts.found_names : texts.nothing_found, { method, names })
}

/**
 * What the mask repaints, and whether it may be the wrong way round.
 * @param {any} mask
 * @param {Texts} texts
 */
function sayPolarity(mask, texts) {
  if (mask.empty) return [texts.empty]
  if (mask.lowest > WHOLE) return [texts.whole]
  if (!mask.box) return [fill(texts.faint, { highest: percent(mask.highest, 0) })]
  const words = [fill(texts.polarity, { share: percent(mask.share, 1) })]
  if (mask.inverted) {
    words.push(fill(texts.inverted, { sides: mask.touches.length, frame: percent(mask.frame_share, 0) }))
  }
  return words
}

/**
 * @param {any} change
 * @param {Texts} texts
 */
function sayChange({ all, outside }, texts) {
  if (all.psnr_db === null) return texts.equal
  const [share, psnr] = [percent(all.share, 2), all.psnr_db.toFixed(1)]
  if (!outside) return fill(texts.changed, { share, psnr })
  return fill(texts.changed_outside, { share, psnr, outside: percent(outside.share, 2) })
}

/**
 * @param {number} share
 * @param {number} digits
 */
function percent(share, digits) {
  return Number((share * 100).toFixed(digits))
}
