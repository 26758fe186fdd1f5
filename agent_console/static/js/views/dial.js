// Calling somebody: a number typed, or clicked in the history. Shown only to agents who may, while they are free.
import { html, useState } from "../../vendor/preact.js";
import { phoneNumber, t } from "../i18n.js";

/** Whether the agent can call now. */
export const canDial = (view) => Boolean(view?.dials && view.state === "idle" && view.phone && view.status !== "logged_out");

export function Dial({ view, ask, enabled }) {
  const [number, setNumber] = useState("");
  const [busy, setBusy] = useState(false);
  if (!view?.dials) return null;

  async function dial(event) {
    event.preventDefault();
    setBusy(true);
    if (await ask("Dial", { args: { number } })) setNumber("");
    setBusy(false);
  }

  return html`<form class="dial" onSubmit=${dial}>
    <label class="sr-only" for="dial-number">${t("dial_number")}</label>
    <input id="dial-number" type="tel" autocomplete="off" maxlength="32" placeholder=${t("dial_number")}
      value=${number} onInput=${(event) => setNumber(event.target.value)} />
    <button class="button" disabled=${!enabled || busy || !number.trim() || !canDial(view)}>${t("dial")}</button>
  </form>`;
}

/** A number that is called by a click, or the plain text for who may not. */
export function DialLink({ number, name, view, ask, enabled }) {
  const shown = name || phoneNumber(number) || t("unknown_caller");
  if (!view?.dials || !number) return shown;
  return html`<button class="link" title=${t("dial_who", { who: phoneNumber(number) })} disabled=${!enabled || !canDial(view)}
    onClick=${() => ask("Dial", { args: { number, name: name ?? "" } })}>${shown}</button>`;
}
