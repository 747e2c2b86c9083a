// Language: chosen by `?lang=`, else by what was chosen before, else by the browser. English is the fallback.

import { messages as accountEn } from "./messages-account-en.js";
import { messages as accountVi } from "./messages-account-vi.js";
import { messages as shopEn } from "./messages-en.js";
import { messages as shopVi } from "./messages-vi.js";
import { lasting } from "./storage.js";

const en = { ...shopEn, ...accountEn };
const dictionaries = { en, vi: { ...shopVi, ...accountVi } };

function chosenLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked in dictionaries) {
    lasting.set("language", asked);
    return asked;
  }
  const wanted = [lasting.get("language"), ...(navigator.languages ?? [navigator.language])];
  return wanted.map((tag) => String(tag).slice(0, 2)).find((tag) => tag in dictionaries) ?? "en";
}

export const language = chosenLanguage();
// Dates and money follow the browser's own region within the language ("en-GB"), where it names one.
const locale = (navigator.languages ?? []).find((tag) => tag.startsWith(`${language}-`)) ?? language;
document.documentElement.lang = language;

/** The sentence `key` in the shopper's language, its `{names}` filled in. `count` picks `key_one` where it exists. */
export function t(key, values = {}) {
  const one = values.count === 1 ? dictionaries[language][`${key}_one`] : undefined;
  const sentence = one ?? dictionaries[language][key] ?? en[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const has = (key) => key in en;

/** Translates what the page itself says: `data-i18n` is the text, `data-i18n-label` the accessible name. */
export function translatePage() {
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = t(node.dataset.i18n);
  for (const node of document.querySelectorAll("[data-i18n-label]")) {
    node.setAttribute("aria-label", t(node.dataset.i18nLabel));
  }
  const title = document.querySelector("title");
  setTitle(t(title.dataset.i18n));
}

export function setTitle(text) {
  const shop = document.querySelector("title").dataset.shop;
  document.title = `${text} · ${shop}`;
}

/** The API's decimal string as money: `"48.90"` and `"GBP"` as £48.90. The string is given to Intl as it is. */
export function money(amount, currency) {
  const format = new Intl.NumberFormat(locale, { style: "currency", currency });
  return format.format(amount);
}

/** A moment of the API (ISO 8601, UTC) on the shopper's own clock. */
export const moment = (time) =>
  new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));

/** The day of a moment in a time zone. */
export const day = (time, timeZone) =>
  new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone }).format(new Date(time));

export const clockTime = (time) => new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(new Date(time));

export const number = (value) => new Intl.NumberFormat(locale).format(value);

/** `"GB"` as United Kingdom. */
export function countryName(code) {
  try {
    return new Intl.DisplayNames([locale], { type: "region" }).of(code) ?? code;
  } catch {
    return code;
  }
}
