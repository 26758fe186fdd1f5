// Colleagues who share a queue with the agent: who could take a call now, who talks, who is away. Nothing else of them.
import { html } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { colleaguesOf } from "../model.js";

const SHOWN = 15;

export function Team({ model }) {
  const all = colleaguesOf(model);
  return html`<section class="card side team">
    <h2>${t("team")}</h2>
    ${all.length === 0 ? html`<p class="muted">${t("team_alone")}</p>`
      : html`<ul class="strip">${all.slice(0, SHOWN).map((one) => html`<li key=${one.agent} data-colleague=${one.agent}>
          <span class="team-who"><i class="dot ${one.is}" aria-hidden="true"></i><span dir="auto">${one.name}</span></span>
          <span class="muted">${t(`team_${one.is}`)}</span>
        </li>`)}</ul>
        ${all.length > SHOWN && html`<p class="muted">${t("team_more", { n: all.length - SHOWN })}</p>`}`}
  </section>`;
}
