// Callbacks that the agent promises for a time: asked for beside a call, listed, moved and cancelled beside the desk,
// and shown when that customer calls before. When they may be, and to whom, is the engine's to say.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { dropDraft, useDraft } from "../drafts.js";
import { explain, isolated, moment, phoneNumber, t } from "../i18n.js";

const TIME = "YYYY-MM-DDTHH:MM".length;

/** A date and time, and by whose clock. */
function When({ at, zone, change }) {
  return html`<label class="field">${t("later_when")}
      <input type="datetime-local" name="at" required value=${at} onInput=${({ target }) => change({ at: target.value.slice(0, TIME) })} /></label>
    <label class="field">${t("later_clock")}
      <select name="zone" value=${zone} onChange=${({ target }) => change({ zone: target.value })}>
        <option value="center">${t("later_center")}</option>
        <option value="customer">${t("later_customer")}</option>
      </select></label>`;
}

/** The button beside a call, and its dialog. */
export function CallLater({ contact, live, say, enabled }) {
  const [open, setOpen] = useState(false);
  return html`<button type="button" class="button" aria-keyshortcuts="Alt+L" disabled=${!enabled} onClick=${() => setOpen(true)}>${t("later")}</button>
    ${open && html`<${PromiseDialog} ...${{ contact, live, say, enabled }} close=${() => setOpen(false)} />`}`;
}

/** `over`: the call is, so that its number is said instead. */
export function PromiseDialog({ contact, live, say, enabled, close, over = false }) {
  const [wanted, change] = useDraft("later", contact);
  const [problem, setProblem] = useState("");
  const dialog = useRef();
  useEffect(() => dialog.current.showModal(), []);

  async function promise(event) {
    event.preventDefault();
    const reply = await live.ask("ScheduleCallback", { args: over ? { ...wanted, number: wanted.number || contact.number, name: contact.name } : { ...wanted, of: contact.contact } });
    if (!reply.ok) return setProblem(whyNot(reply));
    dropDraft("later", contact.contact);
    say(t("later_done", { time: moment(reply.result.due_at) }));
    close();
  }

  return html`<dialog ref=${dialog} class="card later" aria-labelledby="later-title" onClose=${close}>
    <form onSubmit=${promise}>
      <h2 id="later-title">${t("later")}</h2>
      <${When} ...${{ ...wanted, change }} />
      <label class="field">${t("later_number")}
        <input type="tel" name="number" autocomplete="off" maxlength="32" placeholder=${phoneNumber(contact.number)} value=${wanted.number}
          onInput=${({ target }) => change({ number: target.value })} /></label>
      <label class="later-own"><input type="checkbox" name="own" checked=${wanted.own} onChange=${({ target }) => change({ own: target.checked })} />
        <span>${t("later_own")}</span></label>
      <label class="field">${t("later_note")}
        <input type="text" name="later-note" maxlength="500" value=${wanted.note} onInput=${({ target }) => change({ note: target.value })} /></label>
      <p class="problem" role="alert">${problem}</p>
      <div class="later-buttons">
        <button class="button primary" disabled=${!enabled || !wanted.at}>${t("later_promise")}</button>
        <button type="button" class="button" onClick=${close}>${t("close")}</button>
      </div>
    </form>
  </dialog>`;
}

/** A refusal, and when it would be possible. */
function whyNot({ error = {}, result = {} }) {
  const { opens_date: date, opens_time: time, customer_time: there } = result;
  const more = date ? t("later_opens", { time: `${date} ${time ?? ""}` }) : there ? t("later_there", { time: there }) : "";
  return `${explain(error)} ${more}`.trim();
}

/** Mine that nobody has kept yet, soonest first. `told` changes when one of them has. */
export function Appointments({ live, told, ask, say, enabled }) {
  const [callbacks, show] = useState([]);
  useEffect(() => {
    let wanted = enabled;
    if (enabled) live.ask("ListCallbacks").then(({ ok, result }) => wanted && ok && show(result.callbacks ?? []));
    return () => (wanted = false);
  }, [told, enabled]);
  return html`<section class="card side appointments" aria-labelledby="appointments-title">
    <h2 id="appointments-title">${t("appointments")}</h2>
    ${callbacks.length === 0 ? html`<p class="muted">${t("no_appointments")}</p>`
      : html`<ul class="lines">${callbacks.map((one) => html`<${Line} key=${one.callback} ...${{ one, live, ask, say, enabled }} />`)}</ul>`}
  </section>`;
}

function Line({ one, live, ask, say, enabled }) {
  const [moved, move] = useState(null);
  const name = one.name || phoneNumber(one.number);
  const there = one.customer_time && t("later_there", { time: one.customer_time });

  async function submit(event) {
    event.preventDefault();
    const reply = await live.ask("MoveCallback", { args: { callback: one.callback, ...moved } });
    if (reply.ok) move(null);
    else say(whyNot(reply));
  }

  return html`<li>
    <span class="line-when">${moment(one.due_at)}</span>
    <span class="line-what"><bdi>${name}</bdi>
      ${one.state !== "scheduled" && html`<b class="tag">${t("appointment_due")}</b>`}
      ${!one.own && html`<b class="tag">${t("appointment_queue")}</b>`}</span>
    <span class="line-note">${one.note && html`<bdi>${one.note}</bdi> `}${there}</span>
    <span class="line-note appointment-buttons">
      ${one.state === "scheduled" && html`<button class="button small" aria-expanded=${moved !== null} aria-label=${t("appointment_move_of", { who: isolated(name) })}
        disabled=${!enabled} onClick=${() => move(moved ? null : { at: "", zone: "center" })}>${t("appointment_move")}</button>`}
      <button class="button small" aria-label=${t("appointment_cancel_of", { who: isolated(name) })} disabled=${!enabled}
        onClick=${() => ask("CancelCallback", { args: { callback: one.callback } })}>${t("appointment_cancel")}</button>
    </span>
    ${moved && html`<form class="line-note appointment-move" onSubmit=${submit}>
      <${When} ...${{ ...moved, change: (more) => move((before) => ({ ...before, ...more })) }} />
      <button class="button small primary" disabled=${!enabled || !moved.at}>${t("appointment_move")}</button>
    </form>`}
  </li>`;
}

/** What was promised to whoever is on the line, and may be settled now. */
export function Promised({ contact, ask, enabled }) {
  const [settled, add] = useState([]);
  const open = (contact.appointments ?? []).filter(({ callback }) => !settled.includes(callback));
  if (!open.length) return null;
  const settle = async (callback) => {
    if (await ask("CancelCallback", { args: { callback, settled: true } })) add([...settled, callback]);
  };
  return html`<div class="promised"><h2>${t("promised")}</h2>
    <ul class="lines">${open.map((one) => html`<li key=${one.callback}>
      <span class="line-when">${moment(one.due_at)}</span>
      <span class="line-what"><bdi>${one.by_name}</bdi>${one.note && html`: <bdi>${one.note}</bdi>`}</span>
      ${contact.phase !== "offered" && html`<span class="line-note"><button type="button" class="button small" disabled=${!enabled}
        onClick=${() => settle(one.callback)}>${t("promised_settled")}</button></span>`}
    </li>`)}</ul></div>`;
}
