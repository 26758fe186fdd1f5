// Others in the call: ask a colleague, hand the call over, have all three talk, park it. Names and who is free come
// from the engine when the panel opens; what may be done is the engine's to say.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { useNow } from "../clock.js";
import { duration, explain, t } from "../i18n.js";

const NUMBER = /^\+?[0-9]{2,15}$/;
const SHOWN = 8;

/** Of a conference: who can be let go. */
function Conferees({ parties, doing, enabled }) {
  return parties.filter(({ role }) => role === "conferee").map(({ agent, name, number }) => html`<button
    key=${agent || number} class="button drop" dir="auto" disabled=${!enabled}
    onClick=${() => doing("DropParty", { party_agent: agent, party_number: number })}>${t("drop_party", { name: name || number })}</button>`);
}

export function HandOver({ contact, ask, live, say, enabled }) {
  const consulted = contact.view.parties.find(({ role }) => role === "consulted");
  const ofThis = (args = {}) => ({ contact: contact.contact, state_version: contact.view.state_version, args });
  const doing = (name, args) => ask(name, ofThis(args));
  return html`
    ${!consulted && html`<${Panel} ...${{ contact, doing, ofThis, live, say, enabled }} />`}
    <div class="with-others">
      ${consulted && html`<${Consulting} ...${{ consulted, doing, enabled }} />`}
      <${Conferees} parties=${contact.view.parties} ...${{ doing, enabled }} />
    </div>`;
}

/** While somebody is asked: the ways on. */
function Consulting({ consulted, doing, enabled }) {
  const rings = consulted.state === "ringing";
  const button = (name, key, text) => html`<button class="button" aria-keyshortcuts=${key} disabled=${!enabled}
    onClick=${() => doing(name)}>${text}</button>`;
  return html`
    ${button("CompleteTransfer", "Alt+C", t("complete"))}
    ${!rings && button("JoinCall", "Alt+J", t("join_all"))}
    ${button("CancelConsult", "Alt+B", t("back_to_caller"))}`;
}

function Panel({ contact, doing, ofThis, live, say, enabled }) {
  const [targets, setTargets] = useState(null);
  const [query, setQuery] = useState("");
  const [note, setNote] = useState("");
  const button = useRef();
  const panel = useRef();
  const open = targets !== null;

  async function show() {
    if (open) return close();
    const reply = await live.ask("ListTargets");
    if (reply.ok) setTargets(reply.result);
    else say(explain(reply.error ?? {}));
  }

  function close() {
    setTargets(null);
    button.current?.focus();
  }

  useEffect(() => {
    if (!open) return;
    panel.current.querySelector("input").focus();
    const outside = ({ target }) => !panel.current?.parentNode.contains(target) && setTargets(null);
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open]);

  /** Ask, with the note; the panel goes when it is done, and stays to try another when it is refused. */
  async function choose(name, args = {}) {
    if (await doing(name, { ...args, note })) setTargets(null);
  }

  async function park() {
    const reply = await live.ask("Park", ofThis({ note }));
    if (reply.ok) say(t("parked_in", { slot: reply.result.slot }));
    else say(explain(reply.error ?? {}));
  }

  return html`<div class="menu-holder">
    <button ref=${button} class="button" aria-keyshortcuts="Alt+T" aria-expanded=${open} disabled=${!enabled} onClick=${show}>
      ${t("transfer")}
    </button>
    ${open && html`<div ref=${panel} class="menu hand-over" role="dialog" aria-label=${t("transfer")}
      onKeyDown=${(event) => event.key === "Escape" && close()}>
      <label class="field">${t("transfer_to")}
        <input type="search" autocomplete="off" placeholder=${t("transfer_hint")} value=${query}
          onInput=${(event) => setQuery(event.target.value)} /></label>
      <ul class="targets">${matching(targets, query.trim()).map((one) => html`<${Target} key=${one.key} ...${{ one, enabled, choose }} />`)}</ul>
      <label class="field">${t("transfer_note")}
        <input type="text" maxlength="500" value=${note} onInput=${(event) => setNote(event.target.value)} /></label>
      <div class="hand-over-more">
        ${contact.view.can_return && html`<button class="button" disabled=${!enabled} onClick=${() => choose("ReturnToQueue")}>${t("return_to_queue")}</button>`}
        <button class="button" disabled=${!enabled} onClick=${park}>${t("park")}</button>
        ${targets.escalation && html`<button class="button" disabled=${!enabled} onClick=${() => choose("Escalate")}>${t("escalate")}</button>`}
      </div>
    </div>`}
  </div>`;
}

/** What the agent may mean by what they have typed: colleagues first, then queues, then the number itself. */
function matching({ agents, queues }, query) {
  const fits = (name) => name.toLocaleLowerCase().includes(query.toLocaleLowerCase());
  const number = NUMBER.test(query)
    ? [{ key: "number", name: query, target: { to_number: query }, consult: true, free: true, detail: t("a_number") }] : [];
  return [
    ...number,
    ...agents.filter(({ name }) => fits(name)).map(({ agent, name, state }) => ({
      key: `agent ${agent}`, name, target: { to_agent: agent }, consult: true,
      free: state === "free" || state === "not_ready", detail: t(`target_${state}`),
    })),
    ...queues.filter(({ name }) => fits(name)).map(({ queue, name }) => ({
      key: `queue ${queue}`, name, target: { to_queue: queue }, consult: false, free: true, detail: t("queue"),
    })),
  ].slice(0, SHOWN);
}

function Target({ one, enabled, choose }) {
  const off = !enabled || !one.free;
  return html`<li data-target=${Object.values(one.target)[0]}>
    <span class="target-who"><b dir="auto">${one.name}</b><span class="muted">${one.detail}</span></span>
    ${one.consult && html`<button class="button" disabled=${off} onClick=${() => choose("Consult", one.target)}>${t("consult")}</button>`}
    <button class="button" disabled=${off} onClick=${() => choose("Transfer", one.target)}>${t("transfer_now")}</button>
  </li>`;
}

/** Who else is in the call, or who has given it to us and why: one line whose place is always there. */
export function Others({ contact }) {
  const parties = contact.view?.parties ?? [];
  const named = new Map(); // what is said, of whom
  for (const { name, number, role, state } of parties) {
    const said = `party_${role === "agent" ? "agent" : state}`;
    named.set(said, [...(named.get(said) ?? []), name || number]);
  }
  const text = parties.length ? [...named].map(([said, names]) => t(said, { name: names.join(", ") })).join(" · ") : given(contact);
  return html`<p class="others" dir="auto" role="status">${text}</p>`;
}

function given({ purpose, by, by_name, note, phase }) {
  if (!purpose || phase === "wrap_up") return "";
  const from = t(`given_${purpose}`, { name: by_name || by });
  return note ? `${from}: ${note}` : from;
}

/** Calls that wait in a slot, for any agent: their queues' states tell them; those of no queue are looked for. */
export function Parked({ queues, ask, live, enabled }) {
  const [found, setFound] = useState(null); // of no queue, when last looked
  const parked = [...Object.values(queues).flatMap((queue) => queue.parked ?? []), ...(found ?? [])].sort((a, b) => a.slot - b.slot);
  async function look() {
    const reply = await live.ask("ListTargets");
    setFound(reply.ok ? reply.result.parked.filter(({ queue }) => !queue) : null);
  }
  async function pickUp(slot) {
    if (!(await ask("PickUpParked", { args: { slot } }))) look();
  }
  return html`<div class="parked">
    <button class="button quiet" aria-keyshortcuts="Alt+U" disabled=${!enabled} onClick=${look}>${t("parked_calls")}</button>
    <p role="status">${found && !parked.length ? t("parked_none") : ""}</p>
    ${parked.map(({ slot, since_at }) => html`<button key=${slot} class="button" disabled=${!enabled}
      onClick=${() => pickUp(slot)}>${t("pick_up_slot", { slot })} <${Since} at=${since_at} /></button>`)}
  </div>`;
}

const Since = ({ at }) => html`<span class="timer muted" aria-hidden="true">${duration(useNow() - at)}</span>`;
