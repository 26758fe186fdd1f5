// A supervisor beside an agent's call: listen, whisper, barge in, take over, stop. The supervisor's own phone is rung.
import { html, useState } from "../../vendor/preact.js";
import { explain, t } from "../i18n.js";
import { PhoneButton } from "./phone_panel.js";
import { PickUp } from "./pick_up.js";

const MODES = ["listen", "whisper", "barge"];

/** Above the agents: the supervisor's phone where the browser is one, a call that they have taken over, and why the last
 *  thing was not done. */
export function MonitorBar({ phone, listens, problem }) {
  return html`<div class="monitor-bar">
    ${phone && html`<${PhoneButton} phone=${phone} />`}
    ${phone?.chosen && phone.ringing && html`<${PickUp} phone=${phone} />`}
    ${phone?.chosen && phone.talking && !listens && html`<button class="button danger small" onClick=${() => phone.decline()}>${t("hang_up")}</button>`}
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
  </div>`;
}

/** Of one agent who talks. Buttons show what is heard now; what has changed in the call meanwhile is refused. */
export function MonitorButtons({ view, me, live, onProblem }) {
  const [busy, setBusy] = useState(false);
  const monitor = view.monitor?.supervisor ? view.monitor : null;
  if (view.state !== "talking" || !view.contact) return null;
  if (monitor && monitor.supervisor !== me.user) return html`<small class="muted">${t("monitored_by", { who: monitor.supervisor })}</small>`;

  async function ask(name, args = {}) {
    if (busy) return;
    setBusy(true);
    const reply = await live.ask(name, { contact: view.contact, state_version: view.state_version, args });
    onProblem(reply.ok ? "" : explain(reply.error));
    setBusy(false);
  }
  const choose = (mode) => (monitor ? ask("MonitorMode", { mode }) : ask("Monitor", { listened: view.agent, mode }));
  const listens = monitor?.state === "listening";
  return html`<div class="controls monitor" role="group" aria-label=${t("monitor_of", { agent: view.name })}>
    ${MODES.map((mode) => html`<button key=${mode} class="button small ${monitor?.mode === mode ? "chosen" : ""}"
      aria-pressed=${monitor?.mode === mode} aria-disabled=${busy} onClick=${() => choose(mode)}>${t(`monitor_${mode}`)}</button>`)}
    ${listens && html`<button class="button small" aria-disabled=${busy} onClick=${() => ask("TakeOver")}>${t("take_over")}</button>`}
    ${monitor && html`<button class="button danger small" aria-disabled=${busy} onClick=${() => ask("EndMonitor")}>${t("monitor_stop")}</button>`}
    ${monitor && !listens && html`<small class="muted" role="status">${t("monitor_rings")}</small>`}
  </div>`;
}

/** On the agent's desk, where the center shows it. */
export const Monitored = ({ view }) =>
  view.monitor?.supervisor && view.monitor.state === "listening"
    ? html`<span class="muted" role="status">${t(`monitored_${view.monitor.mode}`, { who: view.monitor.supervisor })}</span>`
    : null;
