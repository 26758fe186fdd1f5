// What else helps this customer: an offer with reason, line and worth, and how it was taken; or why nothing is offered.
import { html, useState } from "../../vendor/preact.js";
import { duration, language, t, words } from "../i18n.js";

const ANSWERS = ["accepted", "declined", "not_now"];

export function NextBestOffer({ contact, ask, enabled }) {
  const { offers, no_offers: none } = contact;
  if (offers?.length) return html`<section class="offers" aria-label=${t("offers")}>
    <h2>${t("offers")}</h2>
    ${offers.map((offer) => html`<${Offer} key=${offer.offer} ...${{ offer, contact, ask, enabled }} />`)}
  </section>`;
  if (!none?.length) return null;
  return html`<section class="offers none" aria-label=${t("offers")}>
    <h2>${t("no_offers")}</h2>
    <ul>${none.map((why, i) => html`<li key=${i} dir="auto">${because(why)}</li>`)}</ul>
  </section>`;
}

function Offer({ offer, contact, ask, enabled }) {
  const [busy, setBusy] = useState(false);
  const { view } = contact;
  const can = enabled && (contact.phase === "talking" || contact.phase === "wrap_up");

  async function answer(answer) {
    if (busy) return;
    setBusy(true);
    await ask("AnswerHint", { contact: contact.contact, state_version: view.state_version, args: { offer: offer.offer, answer } });
    setBusy(false);
  }

  return html`<article class="offer">
    <header><h3 dir="auto">${words(offer.product)}</h3><span class="tag">${t("offer_worth", { value: money(offer) })}</span></header>
    <p dir="auto">${reason(offer)}</p>
    <blockquote dir="auto" lang=${contact.language}>${offer.line}</blockquote>
    <div class="answers" role="group" aria-label=${t("offer_answer", { product: words(offer.product) })}>
      ${ANSWERS.map((one) => html`<button key=${one} class="button ${offer.answer === one ? "chosen" : ""}" disabled=${!can}
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
function because({ rule, ticket, intent, queue, consent, days, waited_s, answer, scale }) {
  const values = { ticket: ticket ? ` ${ticket}` : "", what: words(intent || queue || ""), time: duration(waited_s ?? 0), days, answer, scale };
  const key = `abstain_${rule}${consent === "unknown" ? "_unknown" : ""}`;
  const text = t(key, values);
  return text === key ? words(rule) : text;
}
