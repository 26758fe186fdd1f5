// The guide of this contact, one step at a time: what to do, what to say, what to ask. Its keys work while one writes.
import { html, useState } from "../../vendor/preact.js";
import { explain, inPageLanguage, t } from "../i18n.js";

/** Where the agent was, after a reload too: the first step without an answer on the way that the answers make. */
function placeOf({ start, steps, answers }) {
  let [place, seen] = [start, new Set()];
  for (let step = start; steps[step] && !seen.has(step); step = wayOut(steps[step], answers[step])) {
    seen.add(step);
    place = step;
    if (steps[step].field && answers[step] === undefined) break;
    if (!steps[step].field && !answeredLater(steps, answers, step, seen)) break;
  }
  return place;
}

const wayOut = (step, answer) => step.choices?.find(({ value }) => value === answer)?.go_to ?? step.next;

function answeredLater(steps, answers, step, seen) {
  const later = new Set(seen);
  for (let next = steps[step].next; steps[next] && !later.has(next); next = steps[next].next) {
    later.add(next);
    if (steps[next].field) return answers[next] !== undefined;
  }
  return false;
}

/** That they may leave us, and by which signs: the reason for going by the guide of such calls. */
export function MayLeave({ risk }) {
  if (!risk?.risk) return null;
  const signs = risk.why.map(({ code, values }) => {
    const key = code === "contract_end" && values.days < 0 ? "risk_contract_ended" : `risk_${code}`;
    return t(key, { days: Math.round(Math.abs(values.days ?? 0)) });
  });
  return html`<p class="warn">${t("may_leave", { why: signs.join("; ") })}</p>`;
}

export function Guide({ contact, live, say, enabled }) {
  const guide = contact.view?.guide;
  if (!guide?.guide) return contact.guide ? html`<div class="guide"></div>` : null; // its place, until the state is here
  return html`<${Steps} key=${guide.guide} ...${{ guide, contact, live, say, enabled }} />`;
}

function Steps({ guide, contact, live, say, enabled }) {
  const [place, setPlace] = useState(() => placeOf(guide));
  const [before, setBefore] = useState([]); // the steps gone, to go back
  const [text, setText] = useState("");
  const name = guide.steps[place] ? place : guide.start; // a reload of the files may have taken it out
  const step = guide.steps[name];
  const talks = contact.phase !== "offered";

  function go(next) {
    if (!next) return;
    setBefore([...before, name]);
    setPlace(next);
    setText("");
  }

  async function answer(given) {
    const args = { guide: guide.guide, step: name, answer: given };
    const reply = await live.ask("AnswerGuide", { contact: contact.contact, args });
    if (!reply.ok) return say(explain(reply.error ?? {}));
    go(wayOut(step, given));
  }

  function back() {
    setPlace(before.at(-1));
    setBefore(before.slice(0, -1));
  }

  return html`<section class="guide" aria-label=${t("guide")}>
    <h3>${inPageLanguage(guide.name)}</h3>
    ${step.do && html`<p class="guide-do">${inPageLanguage(step.do)}</p>`}
    ${step.say && html`<blockquote lang=${guide.language} dir="auto">${step.say}</blockquote>`}
    ${step.choices && html`<div class="choices" role="group" aria-label=${inPageLanguage(step.label)}>${step.choices.map(({ value, label: words }, i) => html`
      <button key=${value} class="button small ${guide.answers[name] === value ? "chosen" : ""}" disabled=${!enabled || !talks}
        aria-pressed=${guide.answers[name] === value} aria-keyshortcuts=${`Alt+${i + 1}`} title=${`Alt+${i + 1}`} onClick=${() => answer(value)}>${inPageLanguage(words)}</button>`)}</div>`}
    ${step.field && !step.choices && html`<form class="guide-form" onSubmit=${(event) => { event.preventDefault(); answer(text); }}>
      <input aria-label=${inPageLanguage(step.label)} placeholder=${inPageLanguage(step.label)} maxlength="500" autocomplete="off"
        value=${text || guide.answers[name] || ""} onInput=${(event) => setText(event.target.value)} />
      <button class="button small" disabled=${!enabled || !talks || !(text || guide.answers[name] || "").trim()}>${t("guide_keep")}</button></form>`}
    ${(before.length > 0 || step.next || !step.choices) && html`<div class="guide-ways">
      <button class="button quiet small" disabled=${!before.length} aria-keyshortcuts="Alt+Z" title="Alt+Z" onClick=${back}>${t("guide_back")}</button>
      ${step.next && html`<button class="button quiet small" aria-keyshortcuts="Alt+G" title="Alt+G" onClick=${() => go(step.next)}>${t(step.field ? "guide_skip" : "guide_next")}</button>`}
      ${!step.next && !step.choices && html`<span class="muted">${t("guide_end")}</span>`}
    </div>`}
  </section>`;
}
