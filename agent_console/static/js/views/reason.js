// Why they call: what they chose, whether they call again, what was promised, what happened last, what is open.
import { html } from "../../vendor/preact.js";
import { duration, label, moment, t, words } from "../i18n.js";
import { Promised } from "./appointments.js";
import { Fact } from "./caller.js";
import { Crm } from "./crm.js";
import { CustomerTickets } from "./customer_tickets.js";
import { Player } from "./message.js";

const CONTACTS = 3; // lines

export function Reason({ me, contact, queue, ask, enabled, queues }) {
  const reason = chosen(me, contact);
  const again = contact.calls_again ?? 0;
  return html`<section class="reason" aria-labelledby="pop-reason">
    <h2 id="pop-reason">${t("why_they_call")}</h2>
    <dl class="facts">
      <${Fact} name=${t("reason")} value=${reason.join(" › ")} strong=${true} />
      ${!reason.some((one) => same(one, queue)) && html`<${Fact} name=${t("queue")} value=${queue} />`}
      <${Fact} name=${t("waited")} value=${duration(contact.waited_s ?? 0)} />
    </dl>
    ${again > 0 && html`<p class="warn">${t(again > 1 ? "calls_again_n" : "calls_again_1", { n: again })}</p>`}
    ${contact.kind === "voicemail" && html`<${Player} contact=${contact} />`}
    <${Promised} ...${{ contact, ask, enabled }} />
    <${LastContacts} ...${{ contacts: contact.contacts, queues, labels: me.labels }} />
    <${CustomerTickets} ...${{ me, contact }} />
    <${Crm} ...${{ me, contact, queues }} />
  </section>`;
}

const same = (one, other) => (one ?? "").toLocaleLowerCase() === (other ?? "").toLocaleLowerCase();

/** The intent, then what they chose on the way; of `menu:2 billing` the step's name is the admin's own business. */
function chosen(me, { intent, path = [] }) {
  const told = [intent ? label(me.labels.intents, intent) : "", ...path.map((step) => words(step.replace(/^[^:\s]*:\S*\s|^[^:\s]*:/, "")))];
  return told.filter((one, i) => one && !same(one, told[i - 1]));
}

function LastContacts({ contacts, queues, labels }) {
  return html`<div class="last">
    <h3>${t(contacts?.length ? "last_contacts" : "no_contacts")}</h3>
    ${contacts?.length > 0 && html`<ul class="lines">${contacts.slice(0, CONTACTS).map((one, i) => html`<${ContactLine} key=${i} ...${{ one, queues, labels }} />`)}</ul>`}
  </div>`;
}

/** When, where and by whom, how it ended, what was noted. */
export function ContactLine({ one, queues, labels }) {
  const how = one.disposition ? label(labels.dispositions, one.disposition) : one.outcome && one.outcome !== "answered" ? outcome(one.outcome) : "";
  const where = queues[one.queue]?.name ?? (one.queue || one.topic ? words(one.topic ?? one.queue) : one.channel ? t(`channel_${one.channel}`) : "");
  return html`<li>
    <span class="line-when">${moment(one.at ?? one.ended_at ?? "")}</span>
    <span class="line-what"><bdi>${where}</bdi>${one.agent_name && html` · <bdi>${one.agent_name}</bdi>`}
      ${how && html`<b class="tag">${how}</b>`}</span>
    ${one.note && html`<span class="line-note" dir="auto">${one.note}</span>`}
  </li>`;
}

function outcome(code) {
  const text = t(`outcome_${code}`);
  return text === `outcome_${code}` ? words(code) : text;
}
