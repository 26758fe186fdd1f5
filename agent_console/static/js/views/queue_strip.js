// The agent's queues at a glance: how many wait, and for how long.
import { html } from "../../vendor/preact.js";
import { useNow } from "../clock.js";
import { duration, t, words } from "../i18n.js";

export function QueueStrip({ queues, mine }) {
  const now = useNow();
  return html`<section class="card side">
    <h2>${t("your_queues")}</h2>
    <ul class="strip">${mine.map((id) => {
      const queue = queues[id];
      return html`<li key=${id} class=${queue?.waiting ? "waiting" : ""}>
        <span dir="auto">${queue?.name ?? words(id)}</span>
        <span class="strip-count">${queue?.waiting
          ? html`<b>${queue.waiting}</b> <span class="timer">${duration(now - queue.oldest_at)}</span>`
          : html`<span class="muted">${t("nobody_waits")}</span>`}</span>
      </li>`;
    })}</ul>
  </section>`;
}
