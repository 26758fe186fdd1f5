// What the outside CRM adds after the pop was drawn, in a place of a fixed size; or that it does not answer, and of when
// our own part is. Its single facts (name, segment ...) go where such facts stand.
import { html } from "../../vendor/preact.js";
import { label, moment, t } from "../i18n.js";
import { ContactLine } from "./reason.js";

export function Crm({ me, contact, queues }) {
  const { state, imported_at: at, contacts = [], tickets = [], hints = [] } = contact.crm ?? {};
  if (!state) return null;
  const more = contacts.length + tickets.length + hints.length > 0;
  const text = state === "away" && at ? t("crm_away_since", { time: moment(at) }) : t(`crm_${state}`);
  return html`<div class="crm ${state}" role="group" aria-label=${t("crm")} tabindex="0">
    <p class=${state === "away" ? "" : "muted"} aria-live="polite">${more ? t("crm_more") : text}</p>
    ${more && html`<ul class="lines">
      ${hints.map((hint, i) => html`<li key=${`h${i}`}><span class="line-what" dir="auto">${hint.text}</span></li>`)}
      ${tickets.map((one) => html`<li key=${`t${one.ticket}`}><span class="line-when">${one.ticket}</span>
        <span class="line-what"><bdi>${one.subject}</bdi>${one.category && html`<b class="tag">${label(me.labels.ticket_categories, one.category)}</b>`}</span></li>`)}
      ${contacts.map((one, i) => html`<${ContactLine} key=${`c${i}`} ...${{ one, queues, labels: me.labels }} />`)}
    </ul>`}
  </div>`;
}
