// What an agent may give this customer without asking: amount and reason; above the limit a supervisor is asked.
// What was given stays listed, so that nobody gives it twice.
import { html, useState } from "../../vendor/preact.js";
import { explain, money, t } from "../i18n.js";

export function Grant({ contact, live, say, enabled }) {
  const [amount, setAmount] = useState("");
  const [reason, setReason] = useState("");
  const [over, setOver] = useState(false); // the amount is above what is left
  const [busy, setBusy] = useState(false);
  const { limit, left, currency, grants = [] } = contact.view?.grant ?? contact.grant ?? {};
  const place = limit || grants.length || contact.crm?.state; // what the CRM says may change the limit, and moves nothing
  if (limit === undefined || !place) return null;
  const talks = contact.phase !== "offered";
  const waits = grants.some(({ state }) => state === "asked");

  async function give(event) {
    event.preventDefault();
    setBusy(true);
    const args = { amount: Number(amount.replace(",", ".")), reason, ask: over };
    const reply = await live.ask("Grant", { contact: contact.contact, args });
    setBusy(false);
    const { code } = reply.error ?? {};
    if (reply.ok) {
      setAmount("");
      setReason("");
    } else {
      say(explain(reply.error ?? {}));
    }
    setOver(!reply.ok && code === "over_limit");
  }

  return html`<section class="grant" aria-label=${t("grant")}>
    <h3>${!limit ? t("grant_nothing") : left < limit ? t("grant_left", { left: money(left, currency), limit: money(limit, currency) }) : t("grant_may", { limit: money(limit, currency) })}</h3>
    <form class="grant-form" onSubmit=${give}>
      <input class="grant-amount" disabled=${!talks} inputmode="decimal" autocomplete="off" maxlength="10" placeholder=${currency} aria-label=${t("grant_amount", { currency })}
        value=${amount} onInput=${(event) => { setAmount(event.target.value); setOver(false); }} />
      <input class="grant-reason" disabled=${!talks} autocomplete="off" maxlength="200" placeholder=${t("grant_reason")} aria-label=${t("grant_reason")}
        value=${reason} onInput=${(event) => setReason(event.target.value)} />
      <button class="button" disabled=${!enabled || !talks || busy || waits || !amount.trim() || !reason.trim()}>${t(over ? "grant_ask" : "grant_give")}</button>
    </form>
    ${grants.length > 0 && html`<ul class="lines">${grants.map((one) => html`<li key=${one.grant}>
      <span class="line-when">${money(one.amount, currency)}</span>
      <span class="line-what"><bdi>${one.reason}</bdi> <b class="tag">${t(`grant_${one.state}`)}</b></span></li>`)}</ul>`}
  </section>`;
}

/** For supervisors: what agents have asked to give above their limits. */
export function GrantsAsked({ agents, live, onProblem }) {
  const asked = agents.flatMap((view) =>
    (view.grant?.grants ?? []).filter(({ state }) => state === "asked").map((one) => ({ ...one, view })));
  if (!asked.length) return null;

  async function decide({ grant, view }, approved) {
    const reply = await live.ask("DecideGrant", { contact: view.contact, args: { grant, approved } });
    onProblem(reply.ok ? "" : explain(reply.error ?? {}));
  }

  return html`<section class="card grants-asked" aria-label=${t("grants_asked")}>
    <h2>${t("grants_asked")}</h2>
    <ul class="lines">${asked.map((one) => html`<li key=${one.grant} data-grant=${one.grant}>
      <span class="line-what"><bdi>${one.view.name}</bdi>: ${money(one.amount, one.view.grant.currency)} · <bdi>${one.view.offer?.name || t("unknown_caller")}</bdi> · <bdi>${one.reason}</bdi>
        <small class="muted">${t("grant_left", { left: money(one.view.grant.left, one.view.grant.currency), limit: money(one.view.grant.limit, one.view.grant.currency) })}</small></span>
      <span class="answers">
        <button class="button primary small" onClick=${() => decide(one, true)}>${t("grant_approve")}</button>
        <button class="button small" onClick=${() => decide(one, false)}>${t("grant_refuse")}</button>
      </span></li>`)}</ul>
  </section>`;
}
