// What callers answered, by queue and by agent, with how sure that is; and what they said. Read when it is opened.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { decimal, duration, explain, moment, percent, t, words } from "../i18n.js";

const DAYS = [1, 7, 30, 90];

export function Surveys({ names }) {
  const [open, setOpen] = useState(false);
  const [days, setDays] = useState(30);
  const [weighted, setWeighted] = useState(false);
  const [found, setFound] = useState(null);
  const [comments, setComments] = useState([]);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    if (!open) return;
    let wanted = true;
    Promise.all([call("GET", `/api/surveys?days=${days}&weighted=${weighted}`), call("GET", `/api/surveys/comments?days=${days}`)]).then(
      ([figures, said]) => wanted && (setFound(figures), setComments(said.comments), setProblem("")),
      (error) => wanted && setProblem(explain({ code: error.code, text: error.message })),
    );
    return () => void (wanted = false);
  }, [open, days, weighted]);

  const rows = found && [{ ...found.total, kind: "all" }, ...found.queues.map((one) => ({ ...one, kind: "queue" })), ...found.agents.map((one) => ({ ...one, kind: "agent" }))];
  return html`<section class="card surveys" aria-label=${t("surveys")}>
    <h2>${t("surveys")} <button class="button quiet small" aria-expanded=${open} onClick=${() => setOpen(!open)}>${t(open ? "close" : "show_it")}</button></h2>
    ${open && html`<div class="survey-of">
      <label class="field">${t("surveys_days")}<select value=${days} onChange=${({ target }) => setDays(Number(target.value))}>
        ${DAYS.map((n) => html`<option key=${n} value=${n}>${t(n === 1 ? "surveys_day" : "surveys_n_days", { n })}</option>`)}</select></label>
      <label class="check"><input type="checkbox" checked=${weighted} onChange=${({ target }) => setWeighted(target.checked)} /> ${t("surveys_weighted")}</label>
    </div>`}
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    ${open && found && (rows.some((one) => one.asked || one.csat_answers || one.nps_answers)
      ? html`<${Figures} ...${{ rows, names }} />
        ${found.total.left_out > 0 && html`<p class="muted">${t("surveys_left_out", { n: found.total.left_out })}</p>`}
        <p class="muted">${t("surveys_means")}</p>
        <${Comments} ...${{ comments, names }} />`
      : html`<p class="muted">${t("surveys_none")}</p>`)}
  </section>`;
}

function Figures({ rows, names }) {
  return html`<table class="table">
    <thead><tr><th scope="col">${t("surveys_of")}</th><th scope="col" class="n">${t("surveys_asked")}</th><th scope="col" class="n">${t("surveys_answered")}</th>
      <th scope="col" class="n">CSAT</th><th scope="col" class="n">${t("surveys_satisfied")}</th><th scope="col" class="n">NPS</th></tr></thead>
    <tbody>${rows.map((one) => html`<tr key=${`${one.kind} ${one.name}`} data-survey=${`${one.kind} ${one.name}`.trim()}>
      <th scope="row" dir="auto">${one.kind === "all" ? t("surveys_all") : names[one.name] ?? one.name} <small class="muted">${one.kind === "all" ? "" : t(one.kind)}</small></th>
      <td class="n" data-label=${t("surveys_asked")}>${one.asked}</td>
      <td class="n" data-label=${t("surveys_answered")}><${Estimate} found=${one.response} shown=${percent} n=${one.answered} /></td>
      <td class="n" data-label="CSAT"><${Estimate} found=${one.csat} shown=${decimal} n=${one.csat_answers} /></td>
      <td class="n" data-label=${t("surveys_satisfied")}><${Estimate} found=${one.satisfied} shown=${percent} n=${one.csat_answers} /></td>
      <td class="n" data-label="NPS"><${Estimate} found=${one.nps} shown=${whole} n=${one.nps_answers} /></td>
    </tr>`)}</tbody>
  </table>`;
}

/** A figure, of how many, and between what it lies. */
function Estimate({ found, shown, n }) {
  if (!found) return "–";
  const range = found.low === null ? t("surveys_too_few") : t("surveys_range", { low: shown(found.low), high: shown(found.high) });
  return html`<b>${shown(found.value)}</b> <small class="muted survey-range">${range} · n ${n}</small>`;
}

const whole = (value) => String(Math.round(value)).replace("-", "−");

function Comments({ comments, names }) {
  if (!comments.length) return null;
  return html`<h3>${t("surveys_comments")}</h3>
    <ul class="lines comments">${comments.map((one) => html`<li key=${`${one.contact} ${one.question}`}>
      <span class="line-when">${moment(one.at)}</span>
      <span class="line-what"><bdi>${one.name || one.customer || t("unknown_caller")}</bdi>
        ${Object.entries(one.answers).map(([question, answer]) => html` <b class="tag">${words(question)} ${answer}</b>`)}</span>
      <span class="line-note">${names[one.agent] ?? one.agent} · ${names[one.queue] ?? one.queue} · ${duration(one.seconds)}
        <audio controls preload="none" aria-label=${t("surveys_listen", { name: one.name || one.contact })}
          src=${`/api/surveys/comments/${encodeURIComponent(one.contact)}/${encodeURIComponent(one.question)}`}></audio></span>
    </li>`)}</ul>`;
}
