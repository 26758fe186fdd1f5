// Who calls and how to greet them: what to say first, in which language, and what they are to us. Each fact has its
// place from the beginning, so that one which the CRM knows later moves nothing.
import { html } from "../../vendor/preact.js";
import { label, language, languageName, t } from "../i18n.js";

export function Caller({ me, contact }) {
  const { greeting, language: spokenIn, prefers, products = [], region, hints = [], crm } = contact;
  const has = products.map((product) => label(me.labels.products, product)).join(", ");
  return html`<section class="caller" aria-label=${t("who_calls")}>
    ${(greeting || crm?.state) && html`<blockquote class="greeting" dir="auto" lang=${spokenIn}>${greeting}</blockquote>`}
    <dl class="facts caller-facts">
      <${Fact} name=${t("speak")} value=${spoken(contact)} />
      <${Fact} name=${t("prefers")} value=${prefers && t(`channel_${prefers}`)} />
      ${region && !has ? html`<${Fact} name=${t("calls_from")} value=${region} />` : html`<${Fact} name=${t("has")} value=${has} />`}
    </dl>
    ${hints.filter(({ kind }) => kind && kind !== "cross_sell").map((hint, i) => html`<p key=${i} class="note" dir="auto">${hint.text}</p>`)}
  </section>`;
}

/** What they are to us: the segment, and whether it is a company where that does not say so. */
export function standing(me, { segment, company }) {
  const group = segment && segment !== "unknown" ? label(me.labels.segments, segment) : "";
  return company && group !== t("company") ? [group, t("company")].filter(Boolean).join(", ") : group;
}

/** The language of the call, and of a stranger what else is likely where the number is from. */
function spoken({ language: code, region_languages: likely = [] }) {
  const others = likely.filter((other) => other !== code).map(named);
  return others.length ? t("speak_too", { language: languageName(code), others: others.join(", ") }) : languageName(code);
}

/** In the middle of a sentence: Spanish writes languages small, English does not. */
const named = (code) => (language() === "es" ? languageName(code).toLocaleLowerCase("es") : languageName(code));

export function Fact({ name, value, strong = false }) {
  return html`<div><dt>${name}</dt><dd class=${strong && value ? "strong" : ""} dir="auto" title=${value || ""}>${value || "–"}</dd></div>`;
}
