// A ticket as a line: the number that people say, what it is about, and when it is due.
import { html } from "../../vendor/preact.js";
import { useNow } from "../clock.js";
import { label, moment, t } from "../i18n.js";

export function TicketLine({ one, me, look }) {
  const now = useNow();
  const late = one.state !== "resolved" && one.due_at && one.due_at < now;
  const who = !one.owner ? t("ticket_nobodys") : one.owner === me.user ? t("ticket_yours") : (one.owner_name ?? one.owner);
  return html`<li class="ticket ${late ? "late" : ""}">
    <span class="line-when">${typeof one.ticket !== "number" ? one.ticket : html`<button class="link" onClick=${() => look(one.ticket)} aria-label=${t("ticket_show", { n: one.ticket })}>${one.ticket}</button>`}</span>
    <span class="line-what"><bdi>${one.subject}</bdi>
      <b class="tag">${label(me.labels.ticket_categories, one.category)}</b>
      ${one.priority === 1 && html`<b class="tag">${label(me.labels.ticket_priorities, "1")}</b>`}</span>
    <span class="line-note">${one.name && html`<bdi>${one.name}</bdi> · `}${t(`ticket_${one.state}`)}${who && html` · <bdi>${who}</bdi>`}
      ${one.state !== "resolved" && one.due_at && html` · <span class="due">${t(late ? "ticket_was_due" : "ticket_due", { time: moment(one.due_at) })}</span>`}</span>
  </li>`;
}
