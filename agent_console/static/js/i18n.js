// Words, numbers and times in the language of whoever sits here. One file of words per language.
import en from "./texts/en.js";
import es from "./texts/es.js";

const TEXTS = { en, es };
export const LANGUAGES = Object.keys(TEXTS);

export const language = () => document.documentElement.lang;

export function setLanguage(code) {
  document.documentElement.lang = code;
  localStorage.setItem("cti.language", code);
}

/** The text of `key` with {names} filled in. A missing key shows itself. */
export function t(key, values = {}) {
  const text = TEXTS[language()][key] ?? TEXTS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;

/** Text from outside for the middle of a sentence: whatever it is written in turns nothing around it (UAX #9, FSI). */
export const isolated = (text) => (RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text);

/** A refusal in words that an agent can use. */
export function explain({ code, text }) {
  return `err_${code}` in TEXTS.en ? t(`err_${code}`) : text || t("err_engine_away");
}

/** An admin's label `{en: ..., es: ...}`; the code itself where there is none. */
export const label = (labels, code) => labels?.[code]?.[language()] ?? labels?.[code]?.en ?? words(code);

/** A text `{en: ..., es: ...}` that the admin wrote, in the language of the page. */
export const inPageLanguage = (texts) => label({ text: texts }, "text");

/** `very_important` as `Very important`, for codes that have no label. */
export function words(code) {
  const text = String(code ?? "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Seconds as `0:42`, `12:05`, `1:02:03`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const FORMATS = {
  percent: (code) => new Intl.NumberFormat(code, { style: "percent", maximumFractionDigits: 0 }),
  decimal: (code) => new Intl.NumberFormat(code, { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  hour: (code) => new Intl.DateTimeFormat(code, HOUR),
  day: (code) => new Intl.DateTimeFormat(code, { day: "numeric", month: "short", ...HOUR }),
  year: (code) => new Intl.DateTimeFormat(code, { day: "numeric", month: "short", year: "numeric" }),
};
const HOUR = { hour: "2-digit", minute: "2-digit" };
const made = {};

/** Made once a language: making one takes 0.2 ms, and a desk shows dozens of times. */
const format = (name) => (made[`${name} ${language()}`] ??= FORMATS[name](language()));

export const percent = (share) => format("percent").format(share);

export const decimal = (value) => format("decimal").format(value);

/** An amount to the cent. */
export const money = (amount, currency) =>
  `${new Intl.NumberFormat(language(), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(amount ?? 0)} ${currency ?? ""}`.trim();

/** A wall time: the hour for today, day and hour of this year, else the date. Takes seconds or RFC 3339 text. */
export function moment(at) {
  const date = new Date(typeof at === "number" ? at * 1000 : at);
  if (Number.isNaN(date.getTime())) return String(at ?? "");
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return format("hour").format(date);
  return format(date.getFullYear() === now.getFullYear() ? "day" : "year").format(date);
}

export function languageName(code) {
  try {
    return code ? words(new Intl.DisplayNames([language()], { type: "language" }).of(code)) : "";
  } catch {
    return code; // not a language code
  }
}

const GROUPS = [
  [/^\+34(\d{3})(\d{3})(\d{3})$/, "+34 $1 $2 $3"],
  [/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 ($1) $2-$3"],
  [/^\+(\d{2})(\d{3})(\d{3})(\d+)$/, "+$1 $2 $3 $4"],
];

/** A number in groups that one can read out. */
export function phoneNumber(number) {
  const found = GROUPS.find(([pattern]) => pattern.test(number ?? ""));
  return found ? number.replace(...found) : (number ?? "");
}
