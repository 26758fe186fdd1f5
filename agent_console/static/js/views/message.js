// A message on the desk: heard here, taken here; no phone rings for it.
import { html, useState } from "../../vendor/preact.js";
import { duration, t } from "../i18n.js";

export function Player({ contact }) {
  return html`<div class="message">
    <h2>${t("message_of", { time: duration(contact.message_s ?? 0) })}</h2>
    <audio controls preload="auto" src=${`/api/message/${encodeURIComponent(contact.contact)}`}></audio>
  </div>`;
}

export function Accept({ contact, ask, enabled }) {
  const [busy, setBusy] = useState(false);
  async function accept() {
    setBusy(true);
    await ask("Accept", { contact: contact.contact });
    setBusy(false);
  }
  return html`<button class="button primary" aria-keyshortcuts="Alt+A" disabled=${!enabled || busy} onClick=${accept}>${t("take_message")}</button>`;
}
