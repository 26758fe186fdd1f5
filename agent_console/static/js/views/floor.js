// The supervisor's page: the center at a glance, its queues and who waits, its agents, what just happened.
import { html, useState } from "../../vendor/preact.js";
import { useNow } from "../clock.js";
import { duration, percent, t } from "../i18n.js";
import { Activity } from "./activity.js";
import { Customers } from "./customers.js";
import { GrantsAsked } from "./grant.js";
import { LevelBar, Sparkline } from "./charts.js";
import { MonitorBar, MonitorButtons } from "./monitor.js";
import { MyTickets } from "./my_tickets.js";
import { Retention } from "./retention.js";
import { Surveys } from "./surveys.js";
import { condition, conditionText, reasonText } from "./state_bar.js";
import { TakenCall } from "./taken_call.js";
import { WaitingCalls } from "./why.js";

export function Floor({ model, labels, me, live, phone }) {
  const queues = Object.values(model.queues).sort((a, b) => a.name.localeCompare(b.name));
  const agents = Object.values(model.agents).sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  const names = Object.fromEntries([...queues.map((q) => [q.queue, q.name]), ...agents.map((a) => [a.agent, a.name])]);
  const [looking, setLooking] = useState(""); // the queue whose calls are shown
  const [problem, setProblem] = useState(""); // why a supervisor does not listen in
  const supervise = me.permissions.includes("monitor_calls") && { me, live, onProblem: setProblem };
  // or has taken a call over: then it is hung up there
  const listens = Boolean(model.supervisors[me.user]) || agents.some(({ monitor }) => monitor?.supervisor === me.user);
  const looked = model.queues[looking];
  return html`<div class="floor">
    <${GrantsAsked} ...${{ agents, live }} onProblem=${setProblem} />
    <${TakenCall} ...${{ me, model, live }} />
    <${Figures} queues=${queues} agents=${agents} />
    <section class="card">
      <h2>${t("queues")}</h2>
      ${queues.length ? html`<${Queues} ...${{ queues, looking, setLooking }} trends=${model.trends} />` : html`<p class="muted">${t("no_queues")}</p>`}
    </section>
    ${looked && html`<${WaitingCalls} key=${looking} queue=${looked} names=${names} labels=${labels} onClose=${() => setLooking("")} />`}
    <${Retention} live=${live} onProblem=${setProblem} />
    <${Surveys} names=${names} />
    ${me.permissions.includes("merge_customers") && html`<${Customers} me=${me} />`}
    <div class="floor-row">
      <section class="card">
        <h2>${t("agents")}</h2>
        ${supervise && html`<${MonitorBar} ...${{ phone, listens, problem }} />`}
        ${agents.length ? html`<${Agents} ...${{ agents, labels, names, supervise }} />` : html`<p class="muted">${t("no_agents")}</p>`}
      </section>
      <div class="floor-side">
        <${MyTickets} ...${{ me, model, lists: ["late", "queues", "all", "mine"] }} />
        <${Activity} all=${true} lines=${model.activity} names=${names} labels=${labels} skipped=${model.skipped} />
      </div>
    </div>
  </div>`;
}

const ORDER = ["ringing", "reserved", "talking", "wrap_up", "ready", "not_ready", "logged_out"];
const rank = (view) => ORDER.indexOf(condition(view));

function Figures({ queues, agents }) {
  const now = useNow();
  const sum = (name) => queues.reduce((total, queue) => total + queue[name], 0);
  const oldest = Math.min(...queues.filter((q) => q.waiting).map((q) => q.oldest_at));
  const decided = sum("offered") - sum("waiting");
  const ready = agents.filter((a) => condition(a) === "ready").length;
  const busy = agents.filter((a) => a.state === "talking").length;
  const loggedIn = agents.filter((a) => a.status !== "logged_out").length;
  return html`<section class="figures" aria-label=${t("floor")}>
    <${Figure} name=${t("waiting_now")} value=${sum("waiting")} warn=${sum("waiting") > 0} />
    <${Figure} name=${t("longest_wait")} value=${Number.isFinite(oldest) ? duration(now - oldest) : "–"} />
    <${Figure} name=${t("agents_ready")} value=${ready} more=${t("of_logged_in", { n: loggedIn })} />
    <${Figure} name=${t("agents_busy")} value=${busy} />
    <${Figure} name=${t("center_level")} value=${decided > 0 ? percent(sum("in_time") / decided) : "–"} />
  </section>`;
}

function Figure({ name, value, more, warn = false }) {
  return html`<div class="card figure ${warn ? "warn" : ""}">
    <p class="muted">${name}</p><p class="figure-value">${value} ${more && html`<small>${more}</small>`}</p>
  </div>`;
}

function Queues({ queues, trends, looking, setLooking }) {
  const now = useNow();
  return html`<table class="table">
    <thead><tr>
      <th scope="col">${t("queue")}</th><th scope="col" class="n">${t("waiting")}</th>
      <th scope="col">${t("last_half_hour")}</th><th scope="col" class="n">${t("longest_wait")}</th>
      <th scope="col" class="n" title=${t("expected_wait_means")}>${t("expected_wait")}</th>
      <th scope="col" class="n">${t("ready_agents")}</th><th scope="col" class="n">${t("offered")}</th>
      <th scope="col" class="n">${t("answered")}</th><th scope="col" class="n">${t("abandoned")}</th>
      <th scope="col">${t("service_level")}</th>
    </tr></thead>
    <tbody>${queues.map((queue) => html`<tr key=${queue.queue} data-queue=${queue.queue}>
      <th scope="row" dir="auto">${queue.name}${(queue.waiting > 0 || looking === queue.queue) && html`
        <button class="button quiet small" aria-expanded=${looking === queue.queue}
          onClick=${() => setLooking(looking === queue.queue ? "" : queue.queue)}>${t("look")}</button>`}</th>
      <td class="n strong ${queue.waiting ? "warn" : ""}" data-label=${t("waiting")}>${queue.waiting}</td>
      <td class="spark" data-label=${t("last_half_hour")}><${Sparkline} points=${trends[queue.queue] ?? []} now=${now} /></td>
      <td class="n" data-label=${t("longest_wait")}>${queue.waiting ? duration(now - queue.oldest_at) : "–"}</td>
      <td class="n" data-label=${t("expected_wait")} title=${t("expected_wait_means")}><${ExpectedWait} queue=${queue} /></td>
      <td class="n" data-label=${t("ready_agents")}>${queue.agents_ready} <small class="muted">${t("of_logged_in", { n: queue.agents_logged_in })}</small></td>
      <td class="n" data-label=${t("offered")}>${queue.offered}</td>
      <td class="n" data-label=${t("answered")}>${queue.answered}</td>
      <td class="n" data-label=${t("abandoned")}>${queue.abandoned}</td>
      <td class="level-cell" data-label=${t("service_level")}><${LevelBar} queue=${queue} /></td>
    </tr>`)}</tbody>
  </table>`;
}

/** Of a new caller: half of them wait less than the first, four of five less than the second. */
function ExpectedWait({ queue }) {
  if (queue.ewt_p50 == null) return "–";
  return html`${duration(queue.ewt_p50)} <small class="muted">${t("ewt_p80", { time: duration(queue.ewt_p80) })}</small>`;
}

function Agents({ agents, labels, names, supervise }) {
  const now = useNow();
  return html`<table class="table">
    <thead><tr>
      <th scope="col">${t("agent")}</th><th scope="col">${t("state")}</th><th scope="col" class="n">${t("since")}</th>
      <th scope="col">${t("contact")}</th><th scope="col">${t("phone")}</th>
    </tr></thead>
    <tbody>${agents.map((view) => html`<tr key=${view.agent} data-agent=${view.agent}>
      <th scope="row" dir="auto">${view.name}</th>
      <td data-label=${t("state")}><span class="state ${condition(view)}"><i class="dot"></i>${conditionText(view)}
        ${reasonText(view, labels) && html` <small class="muted">${reasonText(view, labels)}</small>`}</span></td>
      <td class="n" data-label=${t("since")}>${duration(now - view.since_at)}</td>
      <td class="contact-cell" data-label=${t("contact")} dir="auto">${view.contact
        ? html`${view.offer?.name || view.offer?.number || t("unknown_caller")} <small class="muted">${names[view.offer?.queue] ?? ""}</small>
          ${supervise && html`<${MonitorButtons} view=${view} ...${supervise} />`}`
        : "–"}</td>
      <td class="phone-state ${view.phone ? "on" : "off"}" data-label=${t("phone")}>${t(view.phone ? "yes" : "no")}</td>
    </tr>`)}</tbody>
  </table>`;
}
