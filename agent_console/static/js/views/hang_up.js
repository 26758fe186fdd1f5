// Hang up with the version that is on the screen: a late click never ends the next call.
import { html, useState } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { isGuest } from "../model.js";

export function HangUp({ contact, ask, enabled }) {
  const [busy, setBusy] = useState(false);
  async function hangUp() {
    setBusy(true);
    await ask("HangUp", { contact: contact.contact, state_version: contact.view.state_version });
    setBusy(false);
  }
  return html`<button class="button danger" aria-keyshortcuts="Alt+X" disabled=${!enabled || busy} onClick=${hangUp}>
    ${contact.kind === "voicemail" ? t("message_done") : busy ? t("hanging_up") : t(isGuest(contact.view) ? "leave_call" : "hang_up")}
  </button>`;
}
