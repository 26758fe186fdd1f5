// One ticket with its history, and what can be done to it now. What may not be done is the console's to say.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { explain, inPageLanguage, label, moment, t } from "../i18n.js";
import { ticketsChanged } from "../ticket_changes.js";
import { SimilarCases } from "./similar_cases.js";

const CHANGES = {
  new: ["take", "comment", "resolve"],
  taken: ["comment", "resolve", "wait", "release"],
  waiting: ["comment", "resume", "resolve"],
  resolved: ["comment", "reopen"],
};
const WITH_TEXT = ["comment", "resolve"];

export function TicketDialog({ number, me, onClose }) {
  const [ticket, setTicket] = useState(null);
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const dialog = useRef();

  async function doing(ask) {
    setBusy(true);
    try {
      await ask();
      setTicket(await call("GET", `/api/tickets/${number}`));
      setProblem("");
    } catch (error) {
      setProblem(explain({ code: error.code, text: error.message }));
    }
    setBusy(false);
  }

  useEffect(() => {
    dialog.current.showModal();
    doing(() => null);
  }, []);

  const change = (kind, more = {}) => doing(async () => {
    const body = { kind, ...(WITH_TEXT.includes(kind) && { text }), ...more };
    await call("POST", `/api/tickets/${number}/changes`, { body, csrf: me.csrf });
    if (WITH_TEXT.includes(kind)) setText("");
    ticketsChanged();
  });

  return html`<dialog ref=${dialog} class="card ticket-dialog" aria-labelledby="ticket-title" onClose=${onClose}>
    <h2 id="ticket-title">${t("ticket_n", { n: number })}${ticket && html`: <bdi>${ticket.subject}</bdi>`}</h2>
    ${ticket && html`
      <p class="muted">${[label(me.labels.ticket_categories, ticket.category), label(me.labels.ticket_priorities, String(ticket.priority)),
        t(`ticket_${ticket.state}`), ticket.owner || t("ticket_nobodys"), ticket.name].filter(Boolean).join(" · ")}
        ${ticket.due_at && ticket.state !== "resolved" && ` · ${t("ticket_due", { time: moment(ticket.due_at) })}`}</p>
      ${ticket.found_out.length > 0 && html`<ul class="lines" aria-label=${t("ticket_found_out")}>${ticket.found_out.map((one, i) => html`
        <li key=${i}><span class="line-what" dir="auto">${one.texts ? inPageLanguage(one.texts) : one.text}</span></li>`)}</ul>`}
      <ol class="lines" tabindex="0" aria-label=${t("ticket_history")}>${ticket.steps.map((step, i) => html`<li key=${i}>
        <span class="line-when">${moment(step.at)}</span>
        <span class="line-what">${t(`ticket_step_${step.step}`)} <b class="tag">${step.author || step.body.to || ""}</b></span>
        ${said(step, me.labels) && html`<span class="line-note" dir="auto">${said(step, me.labels)}</span>`}
      </li>`)}</ol>
      ${ticket.state !== "resolved" && html`<${Kind} ...${{ ticket, me, busy }} onChange=${(what) => change("change", what)} />`}
      <label class="field">${t("ticket_text")}<textarea maxlength="4000" value=${text} onInput=${({ target }) => setText(target.value)}></textarea></label>
      ${ticket.state !== "resolved" && html`<${SimilarCases} text=${text || ticket.subject} category=${ticket.category} labels=${me.labels} />`}
      <p class="muted">${t("ticket_text_hint")}</p>
      <div class="answers" role="group" aria-label=${t("ticket_n", { n: number })}>
        ${CHANGES[ticket.state].map((kind) => html`<button key=${kind} class="button ${kind === "resolve" ? "primary" : ""}"
          disabled=${busy || (WITH_TEXT.includes(kind) && !text.trim())} onClick=${() => change(kind)}>${t(`ticket_do_${kind}`)}</button>`)}
      </div>
      ${(ticket.state === "taken" || ticket.state === "waiting") && html`<${CallBack} ...${{ ticket, busy }} onCallBack=${(until) => change("wait", { until, call_back: true })} />`}
      ${ticket.state !== "resolved" && html`<${Give} ...${{ me, busy }} onGive=${(to) => change("give", { to })} />`}`}
    <p class="problem" role="alert">${problem}</p>
    <form method="dialog"><button class="button">${t("close")}</button></form>
  </dialog>`;
}

/** What a step says beside who did what. */
function said({ body }, labels) {
  const kind = [body.category && label(labels.ticket_categories, body.category), body.priority && label(labels.ticket_priorities, String(body.priority))];
  return [...kind, body.text || body.rung].filter(Boolean).join(" · ");
}

/** Category and priority: when it is due follows. */
function Kind({ ticket, me, busy, onChange }) {
  return html`<div class="pair ticket-kind">
    <label class="field">${t("ticket_category")}<select value=${ticket.category} disabled=${busy} onChange=${({ target }) => onChange({ category: target.value })}>
      ${Object.keys(me.labels.ticket_categories).map((id) => html`<option key=${id} value=${id}>${label(me.labels.ticket_categories, id)}</option>`)}</select></label>
    <label class="field">${t("ticket_priority")}<select value=${String(ticket.priority)} disabled=${busy} onChange=${({ target }) => onChange({ priority: Number(target.value) })}>
      ${Object.keys(me.labels.ticket_priorities).map((id) => html`<option key=${id} value=${id}>${label(me.labels.ticket_priorities, id)}</option>`)}</select></label>
  </div>`;
}

/** The owner calls the customer at a time: the center rings the owner first. */
function CallBack({ ticket, busy, onCallBack }) {
  const [at, setAt] = useState("");
  const known = ticket.call_back_at && (ticket.call_back || "promised");
  return html`<div class="call-back">
    <label class="field">${t("ticket_call_back")}<input type="datetime-local" value=${at} onInput=${({ target }) => setAt(target.value)} /></label>
    <button class="button" disabled=${busy || !at} onClick=${() => onCallBack(new Date(at).getTime() / 1000)}>${t("ticket_do_call_back")}</button>
    ${known && html`<p class="muted">${t("ticket_call_back_at", { time: moment(ticket.call_back_at) })}</p>`}
  </div>`;
}

/** To a colleague of the same queues. */
function Give({ me, busy, onGive }) {
  const [people, setPeople] = useState({});
  useEffect(() => void call("GET", "/api/colleagues").then(({ colleagues }) => setPeople(colleagues), () => null), []);
  const others = Object.entries(people).filter(([id]) => id !== me.user);
  if (!others.length) return null;
  return html`<label class="field">${t("ticket_give")}
    <select disabled=${busy} onChange=${({ target }) => target.value && onGive(target.value)}>
      <option value="">–</option>
      ${others.map(([id, one]) => html`<option key=${id} value=${id}>${one.name}</option>`)}
    </select></label>`;
}
