// Tickets as one works on them: one's own, those nobody has taken, and for supervisors what is late. Read again when
// something was changed here, or the console says that a ticket concerns one.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { explain, t } from "../i18n.js";
import { useTicketChanges } from "../ticket_changes.js";
import { TicketDialog } from "./ticket_dialog.js";
import { TicketLine } from "./ticket_line.js";

const AGAIN = 60_000; // ms; what colleagues take and leave is not told one by one

export function MyTickets({ me, model, lists }) {
  const [of, choose] = useState(lists[0]);
  const [tickets, show] = useState([]);
  const [problem, setProblem] = useState("");
  const [looked, look] = useState(0);
  const [changes, changed] = useState(0);
  const notice = model.ticketNotice;
  const on = Object.keys(me.labels.ticket_categories ?? {}).length > 0;

  useEffect(() => {
    if (!on) return;
    let wanted = true;
    const read = () => call("GET", `/api/tickets?of=${of}`).then(
      (answer) => wanted && (show(answer.tickets), setProblem("")),
      (error) => wanted && setProblem(explain({ code: error.code, text: error.message })),
    );
    read();
    const timer = setInterval(read, AGAIN);
    return () => {
      wanted = false;
      clearInterval(timer);
    };
  }, [of, changes, notice?.n, model.connection, on]);

  useTicketChanges(() => changed((n) => n + 1), []);

  if (!on) return null;
  return html`<section class="card side my-tickets" aria-labelledby="tickets-title">
    <h2 id="tickets-title">${t("tickets")}</h2>
    <div class="ticket-lists" role="group" aria-label=${t("tickets")}>
      ${lists.map((name) => html`<button key=${name} class="button small ${name === of ? "chosen" : ""}" aria-pressed=${name === of}
        onClick=${() => choose(name)}>${t(`tickets_${name}`)}</button>`)}
    </div>
    <p class=${notice || problem ? "ticket-notice" : "sr-only"} role="status">${problem || (notice ? told(notice) : "")}</p>
    ${!problem && tickets.length === 0 && html`<p class="muted">${t("tickets_none")}</p>`}
    <ul class="lines">${tickets.map((one) => html`<${TicketLine} key=${one.ticket} ...${{ one, me, look }} />`)}</ul>
    ${looked > 0 && html`<${TicketDialog} key=${looked} number=${looked} me=${me} onClose=${() => look(0)} />`}
  </section>`;
}

/** What the console said of a ticket, as a sentence. */
function told({ kind, ticket }) {
  const values = { n: ticket.ticket, subject: ticket.subject };
  const key = `ticket_told_${kind}`;
  const text = t(key, values);
  return text === key ? t("ticket_told_other", values) : text;
}
