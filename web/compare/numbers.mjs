// The panel below the canvas: histograms inside and outside the mask, and the report's numbers as a table.
import { fill } from "../shared/texts.mjs"

/** @typedef {import("./texts.mjs").Texts} Texts */

const CHANNELS = /** @type {const} */ (["luma", "red", "green", "blue"])
const INSIDE = "#56b4e9"
const OUTSIDE = "#e69f00"
const HEIGHT_PX = 60
const CSS_WIDTH_PX = 200

export class Numbers {
  /** @param {Texts} texts */
  constructor(texts) {
    this.texts = texts
    this.element = document.createElement("div")
    this.element.className = "hemline-numbers"
    this.element.tabIndex = 0 // it scrolls
    this.element.setAttribute("role", "region")
    this.element.setAttribute("aria-label", texts.numbers)
    this.element.hidden = true
    this.charts = document.createElement("div")
    this.charts.className = "hemline-charts"
    this.table = document.createElement("table")
    this.channel = document.createElement("select")
    this.channel.setAttribute("aria-label", texts.channel)
    for (const name of CHANNELS) this.channel.add(new Option(texts[name], name))
    this.channel.addEventListener("change", () => this.show(this.facts))
    this.element.append(this.channel, this.charts, this.table)
    /** @type {any} */
    this.facts = {}
  }

  /** @param {any} facts of a frame, as the report has them */
  show(facts) {
    this.facts = facts
    const { texts } = this
    const rows = [...this.maskRows(facts), ...this.pictureRows(facts), ...this.changeRows(facts)]
    this.table.replaceChildren(...rows.map(rowOf))
    const named = /** @type {const} */ ([["a", texts.only_a], ["b", texts.only_b]])
    const charts = named.filter(([key]) => facts[key]?.all).map(([key, name]) => this.chart(name, facts[key]))
    this.charts.replaceChildren(...charts)
  }

  /** @param {any} facts @returns {[string, string][]} */
  maskRows({ mask, width, height }) {
    const { texts } = this
    if (!width) return []
    /** @type {[string, string][]} */
    const rows = [[texts.size, `${width} x ${height}`]]
    if (!mask) return rows
    const about = (/** @type {string} */ what) => `${texts.mask}: ${what}`
    return [
      ...rows,
      [about(texts.share), percent(mask.share)],
      [about(texts.mean), mask.mean.toFixed(4)],
      [about(texts.range), `${mask.lowest.toFixed(3)} - ${mask.highest.toFixed(3)}`],
      [about(texts.soft), percent(mask.soft_share)],
      [about(texts.parts), String(mask.parts)],
      [about(texts.box), mask.box ? mask.box.join(" ") : texts.none],
    ]
  }

  /** @param {any} facts @returns {[string, string][]} */
  pictureRows(facts) {
    const { texts } = this
    const parts = /** @type {const} */ (["all", "inside", "outside"])
    return /** @type {const} */ ([["a", texts.only_a], ["b", texts.only_b]]).flatMap(([key, name]) =>
      parts.filter((part) => facts[key]?.[part]).flatMap((part) => {
        const region = facts[key][part]
        const about = fill(texts.picture, { name, part: texts[part] })
        const levels = (/** @type {number[]} */ values) => values.map((value) => value.toFixed(3)).join(" ")
        return /** @type {[string, string][]} */ ([
          [`${about}: ${texts.colours}`, levels(region.mean)],
          [`${about}: ${texts.range}`, `${levels(region.lowest)} - ${levels(region.highest)}`],
          [`${about}: ${texts.tones}`, levels([region.dark, region.median, region.light])],
        ])
      }),
    )
  }

  /** @param {any} facts @returns {[string, string][]} */
  changeRows({ change }) {
    const { texts } = this
    const parts = /** @type {const} */ (["all", "inside", "outside"])
    return parts.filter((part) => change?.[part]).flatMap((part) => {
      const { psnr_db: psnr, ssim, share, largest, at } = change[part]
      const about = fill(texts.change, { part: texts[part] })
      /** @type {[string, string][]} */
      const rows = [
        [`${about}: ${texts.psnr}`, psnr === null ? texts.equal : `${psnr.toFixed(1)} dB`],
        [`${about}: ${texts.pixels_changed}`, percent(share)],
        [`${about}: ${texts.largest}`, `${percent(largest)} (${fill(texts.at, { x: at[0], y: at[1] })})`],
      ]
      return ssim === undefined ? rows : [...rows, [`${about}: ${texts.ssim}`, ssim.toFixed(4)]]
    })
  }

  /**
   * @param {string} name
   * @param {any} regions
   */
  chart(name, regions) {
    const { texts } = this
    const channel = /** @type {typeof CHANNELS[number]} */ (this.channel.value)
    const canvas = Object.assign(document.createElement("canvas"), {
      width: CSS_WIDTH_PX * devicePixelRatio,
      height: HEIGHT_PX * devicePixelRatio,
    })
    const { all, inside, outside } = regions
    const middle = (/** @type {any} */ region) => (region ? medianOf(region.histogram[channel]).toFixed(2) : texts.none)
    const given = { name, channel: texts[channel], inside: middle(inside), outside: middle(outside), median: middle(all) }
    canvas.setAttribute("role", "img")
    const split = inside || outside
    canvas.setAttribute("aria-label", fill(split ? texts.histogram_of : texts.histogram_whole, given))
    drawBars(canvas, split ? outside?.histogram[channel] : all.histogram[channel], OUTSIDE)
    drawBars(canvas, inside?.histogram[channel], INSIDE)
    const figure = document.createElement("figure")
    const caption = document.createElement("figcaption")
    caption.textContent = fill(texts.histogram, { name })
    if (split) caption.append(...legend([[INSIDE, texts.inside], [OUTSIDE, texts.outside]]))
    figure.append(caption, canvas)
    return figure
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number[] | undefined} bars
 * @param {string} colour
 */
function drawBars(canvas, bars, colour) {
  const context = canvas.getContext("2d")
  if (!context || !bars) return
  const highest = Math.max(1, ...bars)
  const step = canvas.width / bars.length
  context.beginPath()
  context.moveTo(0, canvas.height)
  // Square roots, so that small shares are seen beside large ones.
  bars.forEach((share, at) => {
    const top = canvas.height * (1 - Math.sqrt(share / highest))
    context.lineTo(at * step, top)
    context.lineTo((at + 1) * step, top)
  })
  context.lineTo(canvas.width, canvas.height)
  context.globalAlpha = 0.35
  context.fillStyle = context.strokeStyle = colour
  context.fill()
  context.globalAlpha = 1
  context.lineWidth = 1.5 * devicePixelRatio
  context.stroke()
}

/** @param {number[]} bars */
function medianOf(bars) {
  const half = bars.reduce((sum, share) => sum + share, 0) / 2
  let sum = 0
  const at = bars.findIndex((share) => (sum += share) >= half)
  return (at + 0.5) / bars.length
}

/** @param {[string, string][]} entries */
function legend(entries) {
  return entries.map(([colour, text]) => {
    const entry = document.createElement("span")
    const mark = Object.assign(document.createElement("span"), { className: "hemline-mark" })
    mark.style.background = colour
    entry.append(mark, text)
    return entry
  })
}

/** @param {[string, string]} row */
function rowOf([name, value]) {
  const row = document.createElement("tr")
  const head = Object.assign(document.createElement("th"), { textContent: name, scope: "row" })
  row.append(head, Object.assign(document.createElement("td"), { textContent: value }))
  return row
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(2)} %`
}
