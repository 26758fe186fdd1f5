// The caller's open tickets, and a new one with one key while talking. The first are in the pop; after a change on this
// page they are read again.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { dropDraft, useDraft } from "../drafts.js";
import { explain, label, t } from "../i18n.js";
import { ticketsChanged, useTicketChanges } from "../ticket_changes.js";
import { SimilarCases } from "./similar_cases.js";
import { TicketDialog } from "./ticket_dialog.js";
import { TicketLine } from "./ticket_line.js";

export function CustomerTickets({ me, contact }) {
  const [read, setRead] = useState(null); // once one of them was changed here
  const [writing, setWriting] = useState(false);
  const [looked, look] = useState(0); // the ticket in the dialog
  const categories = Object.keys(me.labels.ticket_categories ?? {});
  const tickets = read ?? contact.open_tickets ?? [];
  const live = contact.phase === "talking" || contact.phase === "wrap_up";

  async function again() {
    const query = new URLSearchParams({ of: "customer", contact: contact.contact });
    const answer = await call("GET", `/api/tickets?${query}`).catch(() => null); // what is shown stays
    if (answer) setRead(answer.tickets.filter(({ state }) => state !== "resolved"));
  }

  useTicketChanges(again, [contact.contact]);

  if (!categories.length && !tickets.length) return null;
  return html`<section class="tickets" aria-label=${t("tickets_open")}>
    <header><h3>${t(tickets.length ? "tickets_open" : "tickets_none_open")}</h3>
      ${!writing && html`<button class="button small" aria-keyshortcuts="Alt+O" disabled=${!live || !categories.length} onClick=${() => setWriting(true)}>${t("ticket_open")}</button>`}
    </header>
    ${tickets.length > 0 && html`<ul class="lines">${tickets.map((one) => html`<${TicketLine} key=${one.ticket} ...${{ one, me, look }} />`)}</ul>`}
    ${live && writing && html`<${NewTicket} ...${{ me, contact, categories }} onDone=${(done) => {
      setWriting(false);
      if (done) ticketsChanged();
    }} />`}
    ${looked > 0 && html`<${TicketDialog} key=${looked} number=${looked} me=${me} onClose=${() => look(0)} />`}
  </section>`;
}

export function NewTicket({ me, contact, categories, onDone }) {
  const [kept, change] = useDraft("ticket", contact);
  const draft = { ...kept, category: kept.category || categories[0] };
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const first = useRef();
  const field = (name) => ({ value: draft[name], onInput: ({ target }) => change({ [name]: target.value }) });

  useEffect(() => first.current.focus(), []);

  async function open(event) {
    event.preventDefault();
    if (busy || !draft.subject.trim()) return;
    setBusy(true);
    const body = { ...draft, priority: draft.priority ? Number(draft.priority) : null, contact: contact.contact };
    try {
      await call("POST", "/api/tickets", { body, csrf: me.csrf });
      dropDraft("ticket", contact.contact);
      onDone(true);
    } catch (error) {
      setProblem(explain({ code: error.code, text: error.message }));
      setBusy(false);
    }
  }

  return html`<form class="new-ticket" onSubmit=${open} onKeyDown=${(event) => event.key === "Escape" && onDone(false)}>
    <label class="field">${t("ticket_subject")}
      <input ref=${first} name="subject" required maxlength="200" autocomplete="off" ...${field("subject")} /></label>
    <div class="pair">
      <label class="field">${t("ticket_category")}<select name="category" ...${field("category")}>
        ${categories.map((id) => html`<option key=${id} value=${id}>${label(me.labels.ticket_categories, id)}</option>`)}</select></label>
      <label class="field">${t("ticket_priority")}<select name="priority" ...${field("priority")}>
        <option value="">${t("ticket_usual")}</option>
        ${Object.keys(me.labels.ticket_priorities).map((id) => html`<option key=${id} value=${id}>${label(me.labels.ticket_priorities, id)}</option>`)}</select></label>
    </div>
    <label class="field">${t("ticket_text")}<textarea name="text" maxlength="4000" ...${field("text")}></textarea></label>
    <${SimilarCases} text=${`${draft.subject} ${draft.text}`} category=${draft.category} labels=${me.labels} />
    <label class="check"><input type="checkbox" checked=${draft.mine} onChange=${({ target }) => change({ mine: target.checked })} /> ${t("ticket_mine")}</label>
    <p class="problem" role="alert">${problem}</p>
    <div class="answers">
      <button class="button primary" disabled=${busy || !draft.subject.trim()}>${t("ticket_create")}</button>
      <button type="button" class="button" onClick=${() => onDone(false)}>${t("ticket_cancel")}</button>
    </div>
  </form>`;
}
