// Who calls and how to greet them: what to say first, in which language, and what they are to us. Each fact has its
// place from the beginning, so that one which the CRM knows later moves nothing.
import { html } from "../../vendor/preact.js";
import { label, languageName, t } from "../i18n.js";

export function Caller({ me, contact }) {
  const { segment, company, greeting, language, prefers, products = [], region, hints = [], crm } = contact;
  const segments = me.labels.segments;
  const group = segment && segment !== "unknown" ? label(segments, segment) : "";
  const what = company && group !== t("company") ? [group, t("company")].filter(Boolean).join(", ") : group;
  const has = products.map((product) => label(me.labels.products, product)).join(", ");
  return html`<section class="caller" aria-label=${t("who_calls")}>
    ${(greeting || crm?.state) && html`<blockquote class="greeting" dir="auto" lang=${language}>${greeting}</blockquote>`}
    <dl class="facts who">
      <${Fact} name=${t("segment")} value=${what} strong=${true} />
      <${Fact} name=${t("speak")} value=${spoken(contact)} />
      <${Fact} name=${t("prefers")} value=${prefers && t(`channel_${prefers}`)} />
      ${region && !has ? html`<${Fact} name=${t("calls_from")} value=${region} />` : html`<${Fact} name=${t("has")} value=${has} />`}
    </dl>
    ${hints.filter(({ kind }) => kind && kind !== "cross_sell").map((hint, i) => html`<p key=${i} class="note" dir="auto">${hint.text}</p>`)}
  </section>`;
}

/** The language of the call, and of a stranger what else is likely where the number is from. */
function spoken({ language, region_languages: likely = [] }) {
  const others = likely.filter((code) => code !== language).map(languageName);
  return others.length ? t("speak_too", { language: languageName(language), others: others.join(", ") }) : languageName(language);
}

export function Fact({ name, value, strong = false }) {
  return html`<div><dt>${name}</dt><dd class=${strong && value ? "strong" : ""} dir="auto" title=${value || ""}>${value || "–"}</dd></div>`;
}
