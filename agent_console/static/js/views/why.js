// Which calls wait, and why each of them still does: asked of the engine while somebody looks.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { useNow } from "../clock.js";
import { duration, explain, label, phoneNumber, t, words } from "../i18n.js";

const AGAIN = 3000; // ms between two questions
const AGENTS = 6; // shown, those who lack least

/** What `path` answers, asked again and again; the last answer stays while none comes. */
function useAnswer(path) {
  const [found, setFound] = useState({ answer: null, problem: "" });
  useEffect(() => {
    let wanted = true;
    let timer = 0;
    const ask = () =>
      call("GET", path)
        .then((answer) => wanted && setFound({ answer, problem: "" }))
        .catch((error) => {
          const problem = explain({ code: error.code, text: error.message });
          if (wanted) setFound((before) => ({ ...before, problem }));
        })
        .then(() => wanted && (timer = setTimeout(ask, AGAIN)));
    ask();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [path]);
  return found;
}

export function WaitingCalls({ queue, names, labels, onClose }) {
  const { answer, problem } = useAnswer(`/api/queues/${encodeURIComponent(queue.queue)}/waiting`);
  const [open, setOpen] = useState("");
  const now = useNow();
  const calls = answer?.calls ?? [];
  return html`<section class="card waiting-calls" aria-label=${t("who_waits", { queue: queue.name })}>
    <div class="waiting-top"><h2 dir="auto">${t("who_waits", { queue: queue.name })}</h2><span class="grow"></span>
      <button class="button quiet small" onClick=${onClose}>${t("close")}</button></div>
    ${problem && html`<p class="problem" role="status">${problem}</p>`}
    ${answer && calls.length === 0 && html`<p class="muted">${t("nobody_waits")}</p>`}
    <ul class="calls">${calls.map((one) => html`<li key=${one.contact} data-contact=${one.contact}>
      <div class="call-line">
        <span class="n timer">${duration(now - one.queued_at)}</span>
        <span class="grow" dir="auto">${one.name || phoneNumber(one.number) || t("withheld")}
          <small class="muted"> ${one.rings ? t("state_ringing") : t("in_step", { step: one.step + 1 })}</small></span>
        <button class="button small" aria-expanded=${open === one.contact}
          onClick=${() => setOpen(open === one.contact ? "" : one.contact)}>${t("why")}</button>
      </div>
      ${open === one.contact && html`<${Why} contact=${one.contact} names=${names} labels=${labels} />`}
    </li>`)}</ul>
  </section>`;
}

function Why({ contact, names, labels }) {
  const { answer, problem } = useAnswer(`/api/contacts/${encodeURIComponent(contact)}/explanation`);
  if (problem && !answer) return html`<p class="problem">${problem}</p>`;
  if (!answer) return html`<p class="muted">…</p>`;
  if (answer.waiting === null) return html`<p class="problem">${t("err_engine_away")}</p>`;
  if (answer.state === "offered") return html`<p class="muted">${t("why_rings")}</p>`;
  if (answer.waiting.length === 0) return html`<p class="muted">${t("why_over")}</p>`;
  return answer.waiting.map((place) => html`<${Place} key=${place.queue} ...${{ place, names, labels }} />`);
}

function Place({ place, names, labels }) {
  const now = useNow();
  const kept = Object.entries(place.kept_off).map(([term, n]) => t(`kept_${term}`, { n }));
  const left = place.next_step_at - now;
  return html`<div class="why" data-queue=${place.queue}>
    <p><b dir="auto">${names[place.queue] ?? words(place.queue)}</b>, ${t("why_step", { step: place.step + 1, steps: place.steps })} · ${t("why_ahead", { n: place.ahead })}</p>
    <p>${t("why_pool")} <code dir="ltr">${place.pool.join(" or ")}</code></p>
    <p>${t("why_members", { n: place.members })}${kept.length > 0 && ` (${kept.join(", ")})`}.</p>
    ${place.next_step_at > 0 && html`<p>${t("why_next", { time: duration(left) })}
      ${place.next_pool ? html` <code dir="ltr">${place.next_pool}</code>` : ` ${t("why_last")}`}</p>`}
    <ul class="lines">${place.agents.slice(0, AGENTS).map((agent) => html`<li key=${agent.agent}>
      <span class="line-what strong" dir="auto">${names[agent.agent] ?? agent.agent}</span>
      <span class="line-keeps" dir="auto">${agent.keeps.map((one) => obstacle(one, names, labels)).join(" · ") || t("keeps_nothing")}</span>
    </li>`)}</ul>
  </div>`;
}

function obstacle({ code, what, has, seconds }, names, labels) {
  const said = {
    not_ready: () => label(labels?.not_ready_reasons, what),
    busy: () => t(`state_${what}`),
    not_member: () => names[what] ?? words(what),
    profile: () => words(what),
    delay: () => words(what),
  }[code]?.() ?? what;
  return t(`keeps_${code}`, { what: said, has: has || t("nothing"), time: duration(seconds) });
}
