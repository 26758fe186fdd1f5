// The call that a supervisor has taken over: an agent's controls of it, then result and note, above the floor.
import { html, useState } from "../../vendor/preact.js";
import { explain, phoneNumber, t, words } from "../i18n.js";
import { reachable, takenBy } from "../model.js";
import { Fact } from "./caller.js";
import { Phase } from "./contact.js";
import { Controls } from "./controls.js";
import { Others } from "./hand_over.js";
import { HangUp } from "./hang_up.js";
import { WrapUp } from "./wrap_up.js";

export function TakenCall({ me, model, live }) {
  const [said, say] = useState("");
  const contact = takenBy(model, me.user);
  if (!contact) return null;
  const enabled = reachable(model);
  const queue = model.queues[contact.queue]?.name ?? words(contact.queue);

  async function ask(name, request) {
    const reply = await live.ask(name, request);
    say(reply.ok ? "" : explain(reply.error ?? {}));
    return reply.ok;
  }

  return html`<section class="card contact taken ${contact.phase}" aria-label=${t("taken_call")}>
    <header class="contact-head">
      <div class="contact-who">
        <h2 dir="auto">${contact.name || t("unknown_caller")}</h2>
        <p class="number" dir="auto">${phoneNumber(contact.number) || t("withheld")}</p>
        <${Others} contact=${contact} />
      </div>
      <${Phase} contact=${contact} />
    </header>
    <div class="contact-body">
      <dl class="facts contact-facts"><${Fact} name=${t("queue")} value=${queue} /></dl>
      <${WrapUp} key=${contact.contact} ...${{ me, contact, ask, enabled }} />
    </div>
    ${said && html`<p class="problem" role="alert">${said}</p>`}
    <footer class="contact-foot">
      ${contact.phase === "talking"
        ? html`<${Controls} ...${{ contact, ask, live, say, enabled }} promises=${false} />
          <${HangUp} ...${{ contact, ask, enabled }} />`
        : html`<p class="muted">${t("choose_disposition")}</p>
          <button class="button primary" form="wrap-up" disabled=${!enabled}>${t("finish")}</button>`}
    </footer>
  </section>`;
}
