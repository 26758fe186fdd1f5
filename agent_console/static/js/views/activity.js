// Facts as lines that one can read, newest first; what happened while the page was away is marked.
import { html } from "../../vendor/preact.js";
import { duration, isolated, label, moment, phoneNumber, t, words } from "../i18n.js";

/** `all`: lines name the agent (the floor); else they are one's own. */
export function Activity({ lines, me, labels, skipped = false, all = false, names = {} }) {
  const shown = all ? lines : lines.filter(({ data }) => data.agent === me.agent);
  return html`<section class="card side activity" aria-labelledby="activity-title" tabindex=${all ? 0 : undefined}>
    <h2 id="activity-title">${t("activity")}</h2>
    ${skipped && html`<p class="muted">${t("banner_skipped")}</p>`}
    ${shown.length === 0 ? html`<p class="muted">${t("no_activity")}</p>`
      : html`<ol class="lines">${shown.map((line) => html`<li key=${line.seq} class=${line.event}>
          <span class="line-when">${moment(line.at)}</span>
          <span class="line-what">${sentence(line, labels, all, names)}
            ${line.replay && html`<b class="tag">${t("while_away")}</b>`}</span>
        </li>`)}</ol>`}
  </section>`;
}

function sentence({ event, data }, labels, all, names) {
  const phone = data.registered ? "phone_on" : "phone_off";
  const key = `ev_${event === "PhoneStateChanged" ? phone : event}`;
  return t(all ? `${key}_all` : key, {
    agent: isolated((names[data.agent] ?? data.agent) || data.supervisor),
    who: isolated(data.name || phoneNumber(data.number) || t("unknown_caller")),
    queue: isolated(names[data.queue] ?? words(data.queue)),
    time: moment(data.due_at ?? ""),
    waited: duration(data.waited_s ?? 0),
    rang: duration(data.rang_s ?? 0),
    outcome: t(`outcome_${data.outcome}`),
    reason: t(`reason_${data.reason}`),
    disposition: data.disposition ? label(labels?.dispositions, data.disposition) : t("no_disposition"),
  });
}
