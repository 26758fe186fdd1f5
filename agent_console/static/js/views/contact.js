// The contact on the desk, from the offer to the end of wrap-up, in the order in which an agent needs it: who calls and
// how to greet them, why they call, what to do, what else helps.
// Everything that comes from callers is a text node; htm never parses it.
import { html, useLayoutEffect } from "../../vendor/preact.js";
import { useNow } from "../clock.js";
import { duration, isolated, phoneNumber, t, words } from "../i18n.js";
import { afterPaint } from "../painted.js";
import { CallLater } from "./appointments.js";
import { Caller, standing } from "./caller.js";
import { Controls } from "./controls.js";
import { Dial } from "./dial.js";
import { Grant } from "./grant.js";
import { Guide, MayLeave } from "./guide.js";
import { Others, Parked } from "./hand_over.js";
import { NextBestOffer } from "./next_best_offer.js";
import { Reason } from "./reason.js";
import { WrapUp } from "./wrap_up.js";
import { HangUp } from "./hang_up.js";
import { Accept } from "./message.js";
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
        <div class="contact-who">
          <h1 class=${contact.crm?.state ? "may-come" : ""} dir="auto">${name}</h1>
          <p class="number" dir="auto">${phoneNumber(contact.number) || t("withheld")}
            <b class="standing"><span class="sr-only">${t("segment")} </span>${standing(me, contact)}</b></p>
          <${Others} contact=${contact} />
        </div>
        <${Caller} ...${{ me, contact }} />
        <${Phase} contact=${contact} />
      </header>
      <div class="contact-body">
        <div class="contact-facts">
          <div class="facts-column" role="group" aria-labelledby="pop-reason" tabindex="0">
            <${Reason} ...${{ me, contact, queue, ask, enabled, queues }} />
          </div>
          <div class="facts-column" role="group" aria-labelledby="pop-to-do" tabindex="0">
            <section class="to-do" aria-labelledby="pop-to-do">
              <h2 id="pop-to-do">${t("what_to_do")}</h2>
              <${MayLeave} risk=${contact.risk} />
              <${Guide} ...${{ contact, live, say, enabled }} />
              ${!contact.guide && !contact.risk?.risk && html`<p class="muted">${t("no_guide")}</p>`}
              <${Grant} ...${{ contact, live, say, enabled }} />
            </section>
            <${NextBestOffer} ...${{ me, contact, ask, enabled }} />
          </div>
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
 * Tell the engine once this offer stands on the screen, its guide too, which comes with the agent's state: the ring waits
 * for that. Drawing happens in an animation frame (app.js). A hidden page has no frames and tells nothing.
 */
function useShown(contact, live) {
  const whole = contact?.phase === "offered" && (!contact.guide || contact.view?.guide?.guide);
  const offer = whole ? contact.offer : undefined;
  useLayoutEffect(() => {
    if (offer) return afterPaint(() => live.ask("OfferShown", { args: { offer } }));
  }, [offer]);
}

export function Phase({ contact }) {
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
