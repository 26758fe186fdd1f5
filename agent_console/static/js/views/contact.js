// The contact on the desk, from the offer to the end of wrap-up: who calls, why, and what can be done.
// Everything that comes from callers is a text node; htm never parses it.
import { html, useLayoutEffect } from "../../vendor/preact.js";
import { useNow } from "../clock.js";
import { duration, isolated, label, languageName, moment, phoneNumber, t, words } from "../i18n.js";
import { afterPaint } from "../painted.js";
import { CallLater, Promised } from "./appointments.js";
import { Controls } from "./controls.js";
import { Dial } from "./dial.js";
import { Grant } from "./grant.js";
import { Guide } from "./guide.js";
import { Others, Parked } from "./hand_over.js";
import { CustomerTickets } from "./customer_tickets.js";
import { NextBestOffer } from "./next_best_offer.js";
import { WrapUp } from "./wrap_up.js";
import { HangUp } from "./hang_up.js";
import { Accept, Player } from "./message.js";
import { CallQuality, PickUp } from "./pick_up.js";

export function Contact({ me, contact, view, ask, live, say, enabled, phone, queues }) {
  useShown(contact, live);
  const name = contact && (contact.name || t("unknown_caller"));
  const queue = contact && (queues[contact.queue]?.name ?? words(contact.queue));
  const waited = contact && duration(contact.waited_s ?? 0);
  return html`<section class="card contact ${contact?.phase ?? "none"}" aria-label=${t("contact_panel")}>
    <p class="sr-only" aria-live="assertive">
      ${contact?.phase === "offered" && contact.kind !== "outbound" ? t("offer_announce", { name: isolated(name), queue: isolated(queue), waited }) : ""}
    </p>
    ${contact ? html`
      <header class="contact-head">
        <${Avatar} name=${contact.name} />
        <div class="contact-who">
          <h1 dir="auto">${name}</h1>
          <p class="number" dir="auto">${phoneNumber(contact.number) || t("withheld")}</p>
          <${Others} contact=${contact} />
          ${contact.greeting && html`<p class="greeting" dir="auto">“${contact.greeting}”</p>`}
        </div>
        <${Phase} contact=${contact} />
      </header>
      <div class="contact-body">
        <div class="contact-facts" role="group" aria-label=${t("facts")} tabindex="0">
          <dl class="facts">
            <${Fact} name=${t("waited")} value=${waited} />
            <${Fact} name=${t("queue")} value=${queue} />
            <${Fact} name=${t("language")} value=${languageName(contact.language)} />
            <${Fact} name=${t("segment")} value=${words(contact.segment)} strong=${true} />
          </dl>
          ${contact.kind === "voicemail" && html`<${Player} contact=${contact} />`}
          <${Promised} ...${{ contact, ask, enabled }} />
          <${Path} path=${contact.path} />
          <${LastContacts} ...${{ contacts: contact.contacts, queues, labels: me.labels }} />
          <${CustomerTickets} ...${{ me, contact }} />
          <${Guide} ...${{ contact, live, say, enabled }} />
          <${Hints} hints=${contact.hints} />
          <${NextBestOffer} ...${{ contact, ask, enabled }} />
          <${Grant} ...${{ contact, live, say, enabled }} />
        </div>
        <${WrapUp} ...${{ me, contact, ask, enabled }} />
      </div>
      <footer class="contact-foot">
        ${contact.phase === "offered" && (contact.kind === "voicemail"
          ? html`<${Accept} ...${{ contact, ask, enabled }} />`
          : contact.view?.state !== "ringing" || contact.kind !== "outbound" || phone?.ringing ? html`<${PickUp} phone=${phone} />` : "")}
        ${contact.phase === "offered" && contact.kind === "outbound" && contact.view && html`<${HangUp} ...${{ contact, ask, enabled }} />`}
        ${contact.phase === "talking" && contact.kind !== "voicemail" && html`<${Controls} ...${{ contact, ask, live, say, enabled }} />`}
        ${contact.phase === "talking" && html`<${CallQuality} ...${{ contact, phone }} />`}
        ${contact.phase === "talking" && html`<${HangUp} ...${{ contact, ask, enabled }} />`}
        ${contact.phase === "wrap_up" && html`<p class="muted">${t("choose_disposition")}</p>
          <${CallLater} ...${{ contact, live, say, enabled }} />
          <button class="button primary" form="wrap-up" disabled=${!enabled}>${t("finish")}</button>`}
      </footer>` : html`<${Idle} ...${{ view, ask, live, enabled, queues }} />`}
  </section>`;
}

/**
 * Tell the engine once this offer stands on the screen: its ring waits for that. Drawing happens in an animation frame
 * (app.js). A hidden page has no frames and tells nothing.
 */
function useShown(contact, live) {
  const offer = contact?.phase === "offered" ? contact.offer : undefined;
  useLayoutEffect(() => {
    if (offer) return afterPaint(() => live.ask("OfferShown", { args: { offer } }));
  }, [offer]);
}

function Phase({ contact }) {
  const { phase, view } = contact;
  const now = useNow();
  const since = phase === "talking" ? view.bridged_at || view.since_at : (view?.since_at ?? contact.at);
  const left = phase === "wrap_up" && view.wrap_up_ends_at ? view.wrap_up_ends_at - now : null;
  return html`<div class="phase ${phase}">
    <span class="chip">${t(phaseText(contact))}</span>
    <span class="timer big" role="timer">${duration(left === null ? now - since : Math.ceil(left))}</span>
  </div>`;
}

function phaseText({ phase, kind, view }) {
  if (phase === "talking" && view.role === "consulted") return "phase_consulted";
  if (phase === "talking" && view.parties.some(({ role }) => role === "consulted")) return view.held ? "phase_asking" : "phase_talking";
  if (phase === "talking" && view.parties.some(({ role }) => role === "conferee") && !view.held) return "phase_conference";
  if (phase === "talking" && view.role === "conferee") return "phase_conference";
  if (phase === "talking" && view.held) return "on_hold";
  if (phase === "offered" && kind === "outbound") return "phase_calling";
  return kind === "voicemail" && phase !== "wrap_up" ? "phase_message" : `phase_${phase}`;
}

function Avatar({ name }) {
  const letters = (name ?? "").split(/\s+/).filter(Boolean).map((word) => [...word][0]);
  const initials = letters.length > 1 ? letters[0] + letters.at(-1) : letters.join("");
  return html`<span class="avatar" aria-hidden="true">${initials.toLocaleUpperCase() || "?"}</span>`;
}

function Fact({ name, value, strong = false }) {
  return html`<div><dt>${name}</dt><dd class=${strong && value ? "strong" : ""} dir="auto">${value || "–"}</dd></div>`;
}

/** What the caller chose on the way, as a trail; of `menu:2 billing` the step's name is the admin's own business. */
function Path({ path }) {
  if (!path?.length) return null;
  return html`<div class="path"><h2>${t("chose")}</h2>
    <ol>${path.map((step, i) => html`<li key=${i} dir="auto">${words(step.replace(/^[^:\s]*:/, ""))}</li>`)}</ol></div>`;
}

function Hints({ hints }) {
  if (!hints?.length) return null;
  return html`<ul class="hints">${hints.map((hint, i) => html`<li key=${i} dir="auto">${hint.text ?? hint.title ?? ""}</li>`)}</ul>`;
}

function LastContacts({ contacts, queues, labels }) {
  return html`<div class="last">
    <h2>${t("last_contacts")}</h2>
    ${contacts?.length
      ? html`<ul class="lines">${contacts.map((one, i) => html`<li key=${i}>
          <span class="line-when">${moment(one.at ?? one.ended_at ?? "")}</span>
          <span class="line-what"><bdi>${queues[one.queue]?.name ?? words(one.topic ?? one.queue ?? one.channel ?? "")}</bdi>
            ${(one.disposition || one.outcome) && html`<b class="tag">${one.disposition ? label(labels.dispositions, one.disposition) : words(one.outcome)}</b>`}</span>
          ${one.note && html`<span class="line-note" dir="auto">${one.note}</span>`}
        </li>`)}</ul>`
      : html`<p class="muted">${t("no_contacts")}</p>`}
  </div>`;
}

function Idle({ view, ask, live, enabled, queues }) {
  const key = !view ? "unknown" : view.status;
  return html`<div class="idle ${key}">
    <svg class="idle-picture" viewBox="0 0 120 80" aria-hidden="true">
      <path class="wave far" d="M6 40q9-26 18 0t18 0 18 0 18 0 18 0 18 0" />
      <path class="wave" d="M6 40q9-13 18 0t18 0 18 0 18 0 18 0 18 0" />
    </svg>
    <h1>${t(`idle_${key}`)}</h1>
    <p class="muted">${t(`idle_${key}_more`)}</p>
    <${Dial} ...${{ view, ask, enabled }} />
    ${(key === "ready" || key === "not_ready") && html`<${Parked} ...${{ queues, ask, live, enabled }} />`}
  </div>`;
}
