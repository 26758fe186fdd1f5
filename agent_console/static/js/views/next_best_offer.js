// What else helps this customer: an offer with reason, line and worth, and how it was taken; or why nothing is offered.
import { html, useState } from "../../vendor/preact.js";
import { duration, label, language, t, words } from "../i18n.js";

const ANSWERS = ["accepted", "declined", "not_now"];

export function NextBestOffer({ me, contact, ask, enabled }) {
  const { offers = [], no_offers: none = [], hints = [] } = contact;
  const imported = hints.filter(({ kind }) => !kind || kind === "cross_sell");
  return html`<section class="offers" aria-labelledby="pop-offers">
    <h2 id="pop-offers">${t("what_else")}</h2>
    ${offers.map((offer) => html`<${Offer} key=${offer.offer} ...${{ me, offer, contact, ask, enabled }} />`)}
    ${imported.map((hint, i) => html`<p key=${i} class="note" dir="auto">${hint.text ?? ""}</p>`)}
    ${none.length > 0 && html`<div class="no-offers"><h3>${t("no_offers")}</h3>
      <ul>${none.map((why, i) => html`<li key=${i} dir="auto">${because(me, why)}</li>`)}</ul></div>`}
    ${!offers.length && !none.length && !imported.length && html`<p class="muted">${t("no_hints")}</p>`}
  </section>`;
}

function Offer({ me, offer, contact, ask, enabled }) {
  const [busy, setBusy] = useState(false);
  const { view } = contact;
  const can = enabled && (contact.phase === "talking" || contact.phase === "wrap_up");

  async function answer(answer) {
    if (busy) return;
    setBusy(true);
    await ask("AnswerHint", { contact: contact.contact, state_version: view.state_version, args: { offer: offer.offer, answer } });
    setBusy(false);
  }

  const product = label(me.labels.products, offer.product);
  return html`<article class="offer">
    <header><h3 dir="auto">${product}</h3><span class="tag">${t("offer_worth", { value: money(offer) })}</span></header>
    <p dir="auto">${reason(offer)}</p>
    <blockquote dir="auto" lang=${contact.language}>${offer.line}</blockquote>
    <div class="answers" role="group" aria-label=${t("offer_answer", { product })}>
      ${ANSWERS.map((one) => html`<button key=${one} class="button small ${offer.answer === one ? "chosen" : ""}" disabled=${!can}
        aria-disabled=${busy} aria-pressed=${offer.answer === one} onClick=${() => answer(one)}>${t(`offer_${one}`)}</button>`)}
    </div>
  </article>`;
}

function reason({ reason, affinity }) {
  return reason?.[language()] ?? Object.values(reason ?? {})[0] ?? t(affinity > 0 ? "offer_like_others" : "offer_fits");
}

function money({ expected_value: value, currency }) {
  const number = new Intl.NumberFormat(language(), { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value ?? 0);
  return currency ? `${number} ${currency}` : number;
}

/** A rule's sentence; of one that this page does not know yet its name. */
function because(me, { rule, ticket, intent, queue, consent, days, waited_s, answer, scale }) {
  const values = { ticket: ticket ? ` ${ticket}` : "", what: intent ? label(me.labels.intents, intent) : words(queue ?? ""), time: duration(waited_s ?? 0), days, answer, scale };
  const key = `abstain_${rule}${consent === "unknown" ? "_unknown" : ""}`;
  const text = t(key, values);
  return text === key ? words(rule) : text;
}
