// Whom supervisors have called before they leave: the campaigns' lists, read when they are opened.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { explain, inPageLanguage, money, phoneNumber, t, words } from "../i18n.js";

export function Retention({ live, onProblem }) {
  const [open, setOpen] = useState(false);
  const [lists, setLists] = useState(null);
  const [called, setCalled] = useState({}); // by campaign and number: what came of it

  useEffect(() => {
    if (!open) return;
    call("GET", "/api/retention").then(({ campaigns }) => setLists(campaigns), (error) => onProblem(explain(error)));
  }, [open]);

  async function ring({ campaign }, { name, language, numbers: [number] }) {
    const reply = await live.ask("CallCampaignCustomer", { args: { campaign, number, name, language } });
    onProblem(reply.ok ? "" : explain(reply.error ?? {}));
    if (reply.ok) setCalled((were) => ({ ...were, [`${campaign} ${number}`]: reply.result?.already ? "called_already" : "called" }));
  }

  return html`<section class="card retention" aria-label=${t("retention")}>
    <h2>${t("retention")} <button class="button quiet small" aria-expanded=${open} onClick=${() => setOpen(!open)}>${t(open ? "close" : "show_it")}</button></h2>
    ${open && lists && (lists.length ? lists.map((list) => html`<${List} key=${list.campaign} ...${{ list, ring, called }} />`) : html`<p class="muted">${t("retention_none")}</p>`)}
  </section>`;
}

function List({ list, ring, called }) {
  return html`<h3>${inPageLanguage(list.name)} <small class="muted">${list.of}</small></h3>
    <p class="guide-do">${inPageLanguage(list.action)}</p>
    <ul class="lines">${list.customers.map((each) => html`<li key=${each.customer} data-customer=${each.customer}>
      <span class="line-what"><bdi>${each.name || each.customer}</bdi> <b class="tag">${words(each.segment)}</b>
        <small class="muted">${t("retention_figures", { value: money(each.value), risk: each.retention_risk.toFixed(2) })} · ${phoneNumber(each.numbers[0])}</small></span>
      ${list.queue && each.numbers.length > 0 && (called[`${list.campaign} ${each.numbers[0]}`]
        ? html`<b class="tag">${t(called[`${list.campaign} ${each.numbers[0]}`])}</b>`
        : html`<button class="button small" onClick=${() => ring(list, each)}>${t("retention_call")}</button>`)}
    </li>`)}</ul>`;
}
