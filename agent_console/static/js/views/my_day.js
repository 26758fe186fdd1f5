// The agent's own day: calls, talk, hold, wrap-up, mean handle time, missed offers, and time in each state. Read again
// when a contact or a status has changed; what still runs is as of then.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { duration, label, percent, t } from "../i18n.js";

const AGAIN = 2_000; // ms

export function MyDay({ me, view, wrapped }) {
  const [day, setDay] = useState(null); // the last one stays when it cannot be read
  const [tries, tryAgain] = useState(0);
  useEffect(() => {
    let wanted = true;
    let later;
    call("GET", "/api/my-day").then(
      (answer) => wanted && setDay(answer),
      () => wanted && (later = setTimeout(() => tryAgain(tries + 1), AGAIN)),
    );
    return () => {
      wanted = false;
      clearTimeout(later);
    };
  }, [wrapped, view?.status, view?.reason, tries]);

  const figure = (name, value, more = "") => html`<div title=${more}><dt>${t(`day_${name}`)}</dt><dd>${day ? value() : "–"}</dd></div>`;
  const reasons = Object.entries(day?.reasons ?? {}).sort((a, b) => b[1] - a[1]);
  const why = reasons.map(([reason, seconds]) => `${label(me.labels.not_ready_reasons, reason)} ${duration(seconds)}`).join(" · ");
  return html`<section class="card side my-day" aria-labelledby="day-title">
    <h2 id="day-title">${t("day")}</h2>
    <dl class="day-figures">
      ${figure("calls", () => day.calls)}
      ${figure("missed", () => day.missed)}
      ${figure("handle", () => (day.handle_s === null ? "–" : duration(day.handle_s)))}
      ${figure("talk", () => duration(day.talk_s))}
      ${figure("hold", () => duration(day.hold_s))}
      ${figure("wrap_up", () => duration(day.wrap_up_s))}
      ${figure("ready", () => duration(day.ready_s))}
      ${figure("not_ready", () => duration(day.not_ready_s), why)}
      ${figure("occupancy", () => (day.occupancy === null ? "–" : percent(day.occupancy)))}
    </dl>
    ${why && html`<p class="muted day-why">${why}</p>`}
  </section>`;
}
