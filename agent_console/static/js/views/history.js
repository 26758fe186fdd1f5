// The agent's own last contacts, from the closed records; read again after each wrap-up.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { duration, explain, label, moment, phoneNumber, t, words } from "../i18n.js";

export function History({ me, queues, wrapped }) {
  const [contacts, setContacts] = useState([]);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let wanted = true;
    call("GET", "/api/history?limit=8").then(
      (answer) => wanted && (setContacts(answer.contacts), setProblem("")),
      (error) => wanted && setProblem(explain({ code: error.code, text: error.message })),
    );
    return () => (wanted = false);
  }, [wrapped]);
  return html`<section class="card side">
    <h2>${t("history")}</h2>
    ${problem ? html`<p class="muted">${problem}</p>`
      : contacts.length === 0 ? html`<p class="muted">${t("no_history")}</p>`
      : html`<ul class="lines">${contacts.map((one) => html`<li key=${one.contact}>
          <span class="line-when">${moment(one.ended_at)}</span>
          <span class="line-what" dir="auto">${one.name || phoneNumber(one.ani) || t("unknown_caller")}
            ${one.disposition && html`<b class="tag">${label(me.labels.dispositions, one.disposition)}</b>`}</span>
          <span class="line-note" dir="auto">${queues[one.queue]?.name ?? words(one.queue)} · ${t("talked", { time: duration(one.talk_s ?? 0) })}
            ${one.note && html` · ${one.note}`}</span>
        </li>`)}</ul>`}
  </section>`;
}
