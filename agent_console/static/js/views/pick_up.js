// Answering: by buttons and keys where the browser is the phone, else a word that the phone rings.
import { html, useEffect } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { grade } from "../quality.js";
import { Problem } from "./phone_panel.js";

export function PickUp({ phone }) {
  const rings = phone?.ringing;
  useEffect(() => {
    if (!rings) return;
    const keys = (event) => {
      const what = event.altKey && !event.ctrlKey && { KeyA: "answer", KeyX: "decline" }[event.code];
      if (!what) return;
      event.preventDefault();
      phone[what]();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [rings]);
  if (!phone?.chosen) return html`<p class="pick-up">${t("pick_up")}</p>`;
  if (!rings) return phone.problem ? html`<${Problem} phone=${phone} />` : html`<p class="pick-up">${t("phone_will_ring")}</p>`;
  return html`${phone.problem === "autoplay" && html`<p class="pick-up">${t("phone_problem_autoplay")}</p>`}
    <div class="controls" role="group" aria-label=${t("phone_incoming")}>
      <button class="button danger" aria-keyshortcuts="Alt+X" title="Alt+X" onClick=${() => phone.decline()}>${t("phone_decline")}</button>
      <button class="button primary" aria-keyshortcuts="Alt+A" title="Alt+A" onClick=${() => phone.answer()}>${t("phone_answer")}</button>
    </div>`;
}

/** Beside the controls while talking: how good it sounds, in a word. */
export function CallQuality({ phone }) {
  if (!phone?.chosen || !phone.quality) return null;
  const level = grade(phone.quality.mos);
  return html`<span class="phone-quality ${level}" title=${`MOS ${phone.quality.mos.toFixed(1)}`}>${t(`phone_quality_${level}`)}</span>`;
}
