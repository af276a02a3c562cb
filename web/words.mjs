// What the widgets say in the language of the page. The host serves the folders locales/ of all packs at /i18n.
import { api } from "../../scripts/api.js"
import { app } from "../../scripts/app.js"

/** Asked for once a page. @type {Promise<any> | undefined} */
let served

/**
 * What the widget of a folder says, in the language of the page.
 * @param {string} topic the folder in web/
 * @returns {Promise<any>}
 */
export async function textsOf(topic) {
  const { TEXTS } = await import(`./${topic}/texts.mjs`)
  return words(topic, TEXTS)
}

/**
 * A widget's texts in the language of the page; English where it has none.
 * @template {Record<string, string>} Texts
 * @param {string} section the folder in web/ that the texts are of
 * @param {Texts} texts in English
 * @returns {Promise<Texts>}
 */
export async function words(section, texts) {
  const language = app.extensionManager.setting.get("Comfy.Locale")
  if (language === "en") return texts
  served ??= allTranslations().catch(() => ({})) // better a widget in English than none
  const translated = (await served)[language]?.hemline?.[section] ?? {}
  const known = Object.keys(texts).filter((key) => typeof translated[key] === "string")
  return { ...texts, ...Object.fromEntries(known.map((key) => [key, translated[key]])) }
}

/** @returns {Promise<any>} language -> its translations; nothing where the host has no such page */
async function allTranslations() {
  const answer = await api.fetchApi("/i18n")
  return answer.ok ? answer.json() : {}
}
