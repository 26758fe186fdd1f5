// The agent's page: state bar on top, the contact in the middle, what helps beside it.
// The contact's place is always there and always the same size, so that a call moves nothing.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { explain, isolated, t } from "../i18n.js";
import { useAlerts } from "../alerts.js";
import { contactOf, reachable } from "../model.js";
import { Activity } from "./activity.js";
import { Appointments } from "./appointments.js";
import { Contact } from "./contact.js";
import { MyDay } from "./my_day.js";
import { History } from "./history.js";
import { QueueStrip } from "./queue_strip.js";
import { MyTickets } from "./my_tickets.js";
import { Team } from "./team.js";
import { Unsent } from "./unsent.js";
import { StateBar } from "./state_bar.js";

export function Desk({ me, model, live, phone, actions }) {
  const [problem, setProblem] = useState("");
  const view = model.agents[me.agent];
  const contact = contactOf(model);

  /** Ask the engine; a refusal is shown for a while. Resolves to whether it was done. */
  async function ask(name, request) {
    setProblem("");
    const reply = await live.ask(name, request);
    if (!reply.ok) setProblem(explain(reply.error ?? {}));
    return reply.ok;
  }

  useEffect(() => {
    if (phone) phone.byItself = Boolean(view?.auto_answer);
  }, [phone, view?.auto_answer]);

  useEffect(() => {
    if (!problem) return;
    const timer = setTimeout(() => setProblem(""), 8000);
    return () => clearTimeout(timer);
  }, [problem]);

  useEffect(() => {
    const name = contact && (contact.name || contact.number || t("unknown_caller"));
    document.title = contact ? `${t(`phase_${contact.phase}`)}: ${isolated(name)}` : t("product");
  }, [contact?.contact, contact?.phase]);

  useAlerts(contact, phone);
  const enabled = reachable(model);
  return html`<div class="desk">
    <${StateBar} ...${{ me, view, ask, enabled, phone, actions }} />
    <${Contact} ...${{ key: contact?.contact ?? "none", me, contact, view, ask, live, say: setProblem, enabled, phone, queues: model.queues }} />
    <aside class="beside">
      <${Unsent} ...${{ me, contact, live, enabled }} say=${setProblem} />
      <${QueueStrip} queues=${model.queues} mine=${view?.queues ?? []} />
      <${Team} model=${model} />
      <${Appointments} ...${{ live, ask, say: setProblem, enabled }} told=${model.appointments} />
      <${MyDay} ...${{ me, view }} wrapped=${lastWrapUp(model)} />
      <${MyTickets} ...${{ me, model, lists: ["mine", "queues"] }} />
      <${History} me=${me} queues=${model.queues} wrapped=${lastWrapUp(model)} ...${{ view, ask, enabled }} />
      <${Activity} lines=${model.activity} me=${me} labels=${me.labels} skipped=${model.skipped} />
    </aside>
    <div class="toast" role="alert">${problem && html`<p>${problem}</p>`}</div>
  </div>`;
}

/** Changes whenever one of my contacts is finished, so that the history is read again. */
function lastWrapUp(model) {
  return model.activity.find(({ event, data }) => event === "WrapUpEnded" && data.agent === model.me)?.seq ?? 0;
}
