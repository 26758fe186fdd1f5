// What was written about a contact that is over, and not sent: nothing is lost when wrap-up ends in the middle of a word.
import { html, useState } from "../../vendor/preact.js";
import { dropDraft, useUnsent } from "../drafts.js";
import { isolated, phoneNumber, t } from "../i18n.js";
import { PromiseDialog } from "./appointments.js";
import { NewTicket } from "./customer_tickets.js";

export function Unsent({ me, contact, live, say, enabled }) {
  const drafts = useUnsent(me.agent, contact?.contact ?? "");
  const [opened, open] = useState("");
  if (!drafts.length) return null;
  return html`<section class="card side unsent" aria-labelledby="unsent-title">
    <h2 id="unsent-title" role="status">${t("unsent")}</h2>
    <ul class="lines">${drafts.map((one) => {
      const key = `${one.kind} ${one.about.contact}`;
      const who = isolated(one.about.name || phoneNumber(one.about.number) || t("unknown_caller"));
      const close = () => open("");
      return html`<li key=${key} data-draft=${one.kind}>
        <span class="line-what"><b class="tag">${t(`unsent_${one.kind}`)}</b> ${who}</span>
        <span class="line-note" dir="auto">${[one.fields.subject, one.fields.text, one.fields.note].filter(Boolean).join(": ")}</span>
        <span class="line-note unsent-buttons">
          ${one.kind !== "note" && opened !== key && html`<button class="button small" aria-label=${t("unsent_open_of", { who })} onClick=${() => open(key)}>${t("unsent_open")}</button>`}
          <button class="button small" aria-label=${t("unsent_drop_of", { who })} onClick=${() => dropDraft(one.kind, one.about.contact)}>${t("unsent_drop")}</button>
        </span>
        ${opened === key && html`<${Editor} ...${{ one, me, live, say, enabled, close }} />`}
      </li>`;
    })}</ul>
  </section>`;
}

/** The call is over: who is called later is its number, not who is on the line. */
function Editor({ one, me, live, say, enabled, close }) {
  const about = { ...one.about, agent: me.agent };
  return one.kind === "ticket"
    ? html`<${NewTicket} me=${me} contact=${about} categories=${Object.keys(me.labels.ticket_categories ?? {})} onDone=${close} />`
    : html`<${PromiseDialog} ...${{ contact: about, live, say, enabled, close }} over=${true} />`;
}
