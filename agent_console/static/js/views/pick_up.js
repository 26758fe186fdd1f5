// Answering: by buttons (and their keys) where the browser is the phone, else a word that the phone rings.
import { html } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { grade } from "../quality.js";
import { Problem } from "./phone_panel.js";

export function PickUp({ phone }) {
  if (!phone?.chosen) return html`<p class="pick-up">${t("pick_up")}</p>`;
  if (!phone.ringing) return phone.problem ? html`<${Problem} phone=${phone} />` : html`<p class="pick-up">${t("phone_will_ring")}</p>`;
  return html`${phone.problem === "autoplay" && html`<p class="pick-up">${t("phone_problem_autoplay")}</p>`}
    <div class="controls answering" role="group" aria-label=${t("phone_incoming")}>
      <button class="button primary" aria-keyshortcuts="Alt+A" title="Alt+A" onClick=${() => phone.answer()}>${t("answer")}</button>
      <button class="button danger" aria-keyshortcuts="Alt+X" title="Alt+X" onClick=${() => phone.decline()}>${t("phone_decline")}</button>
    </div>`;
}

/** Beside the controls while talking: how good the agent's own line sounds, in a word, and whether the caller's is poor. */
export function CallQuality({ contact, phone }) {
  const own = phone?.chosen && phone.quality;
  const level = own && grade(own.mos);
  return html`
    ${own && html`<span class="phone-quality ${level}" title=${`MOS ${own.mos.toFixed(1)}`}>${t(`phone_quality_${level}`)}</span>`}
    <span role="status">${contact.view?.poor_line && html`<span class="phone-quality poor">${t("caller_line_poor")}</span>`}</span>`;
}
