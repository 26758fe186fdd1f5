// The agent's own past contacts, from the closed records: the last ones, or those with these words or of that day. Read
// again after each wrap-up.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { duration, explain, label, moment, t, words } from "../i18n.js";
import { DialLink } from "./dial.js";

const PAGE = 8; // contacts
const TYPING = 300; // ms without a key until a search is asked for

export function History({ me, queues, wrapped, view, ask, enabled }) {
  const [sought, seek] = useState({ text: "", day: "" });
  const [{ contacts, next }, show] = useState({ contacts: [], next: null });
  const [problem, setProblem] = useState("");
  const asked = useRef(0);

  async function read(more) {
    const number = (asked.current += 1);
    const query = new URLSearchParams({ limit: PAGE });
    for (const [name, value] of Object.entries({ ...sought, before: more })) if (value) query.set(name, value);
    try {
      const answer = await call("GET", `/api/history?${query}`);
      if (number !== asked.current) return; // something else has been asked meanwhile
      show({ contacts: more ? [...contacts, ...answer.contacts] : answer.contacts, next: answer.next });
      setProblem("");
    } catch (error) {
      if (number === asked.current) setProblem(explain({ code: error.code, text: error.message }));
    }
  }

  useEffect(() => {
    const timer = setTimeout(() => read(""), sought.text ? TYPING : 0);
    return () => clearTimeout(timer);
  }, [wrapped, sought.text, sought.day]);

  const change = (name) => ({ target }) => seek({ ...sought, [name]: target.value.trim() });
  return html`<section class="card side history" aria-labelledby="history-title">
    <h2 id="history-title">${t("history")}</h2>
    <div class="search" role="search">
      <input type="search" maxlength="100" placeholder=${t("search")} aria-label=${t("history_search")} onInput=${change("text")} />
      <input type="date" aria-label=${t("history_day")} title=${t("history_day")} onInput=${change("day")} />
    </div>
    <p class=${problem ? "muted" : "sr-only"} role="status">${problem || (sought.text || sought.day ? t("history_found", { n: contacts.length }) : "")}</p>
    ${!problem && contacts.length === 0 && html`<p class="muted">${t(sought.text || sought.day ? "history_nothing" : "no_history")}</p>`}
    <ul class="lines">${contacts.map((one) => html`<${Line} key=${one.contact} ...${{ one, queues, labels: me.labels, view, ask, enabled }} />`)}</ul>
    ${next && html`<button class="button small wide" onClick=${() => read(next)}>${t("history_more")}</button>`}
  </section>`;
}

function Line({ one, queues, labels, view, ask, enabled }) {
  return html`<li>
    <span class="line-when">${moment(one.ended_at)}</span>
    <span class="line-what"><bdi><${DialLink} ...${{ number: one.ani, name: one.name, view, ask, enabled }} /></bdi>
      ${one.disposition && html`<b class="tag">${label(labels.dispositions, one.disposition)}</b>`}</span>
    <span class="line-note"><bdi>${queues[one.queue]?.name ?? words(one.queue)}</bdi> · ${t("talked", { time: duration(one.talk_s ?? 0) })}
      ${one.note && html` · <bdi>${one.note}</bdi>`}</span>
  </li>`;
}
