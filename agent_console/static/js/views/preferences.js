// Language and theme: two small buttons, the same before and after log-in.
import { html } from "../../vendor/preact.js";
import { language, t } from "../i18n.js";

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("cti.theme", root.dataset.theme);
}

export function Preferences({ actions }) {
  const other = language() === "es" ? "en" : "es";
  return html`<div class="preferences">
    <button type="button" class="button quiet small" lang=${other} aria-label=${t("other_language")}
      title=${t("other_language")} onClick=${() => actions.switchLanguage(other)}>${other.toUpperCase()}</button>
    <button type="button" class="button quiet small" aria-label=${t("theme")} title=${t("theme")} onClick=${toggleTheme}>
      <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" stroke-width="1.8" />
        <path d="M10 3a7 7 0 0 1 0 14z" fill="currentColor" />
      </svg>
    </button>
  </div>`;
}
