// What can be done with the call while talking: hold, mute, keys, a pause in the recording.
// Each button says what it does when pressed, shows the state that the engine knows, and asks with the version on screen.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { isGuest } from "../model.js";
import { CallLater } from "./appointments.js";
import { HandOver } from "./hand_over.js";
import { Monitored } from "./monitor.js";

const KEYS = [..."123456789*0#"];

/** `promises`: whether one may call the customer later, which only agents do. */
export function Controls({ contact, ask, live, say, enabled, promises = true }) {
  const [busy, setBusy] = useState(false);
  const { view } = contact;
  const mine = !isGuest(view); // else one who may be silent, and leave
  const asked = view.parties.find(({ role, state }) => role === "consulted" && state !== "ringing");
  const hold = asked ? t(view.held ? "to_caller" : "to_party", { name: asked.name || asked.number }) : t(view.held ? "resume" : "hold");

  const ofThis = (args) => ({ contact: contact.contact, state_version: view.state_version, args });

  async function control(name, args) {
    if (busy) return;
    setBusy(true);
    await ask(name, ofThis(args));
    setBusy(false);
  }

  // Not `disabled` while one is under way: that would take the focus from who works by keyboard.
  const toggle = (name, key, on, args, text) => html`<button class="button ${on ? "chosen" : ""}" aria-pressed=${on}
    aria-keyshortcuts=${key} disabled=${!enabled} aria-disabled=${busy} onClick=${() => control(name, args)}>${text}</button>`;

  return html`<${Monitored} view=${view} /><div class="controls" role="group" aria-label=${t("call_controls")}>
    ${mine && toggle("Hold", "Alt+H", view.held, { held: !view.held }, hold)}
    ${toggle("Mute", "Alt+M", view.muted, { muted: !view.muted }, t(view.muted ? "unmute" : "mute"))}
    ${mine && html`<${Keypad} enabled=${enabled} send=${(digits) => ask("SendDigits", ofThis({ digits }))} />`}
    ${view.recording === "refused" && html`<span class="muted">${t("not_recorded")}</span>`}
    ${view.recording && view.recording !== "refused" && toggle("PauseRecording", "Alt+P", view.recording === "paused",
      { paused: view.recording !== "paused" },
      t(view.recording === "paused" ? "record_on" : "pause_recording"))}
    ${mine && html`<${HandOver} ...${{ contact, ask, live, say, enabled }} />`}
    ${mine && promises && html`<${CallLater} ...${{ contact, live, say, enabled }} />`}
  </div>`;
}

/** Twelve keys; those of the keyboard work too. What was pressed is not kept: it may be a secret. */
function Keypad({ enabled, send }) {
  const [open, setOpen] = useState(false);
  const waiting = useRef("");
  const sending = useRef(false);
  const button = useRef();
  const pad = useRef();

  useEffect(() => {
    if (!open) return;
    pad.current.firstElementChild.focus();
    const outside = ({ target }) => !pad.current?.parentNode.contains(target) && setOpen(false);
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open]);

  /** Keys pressed while others are on the way follow them, in order. */
  async function press(key) {
    waiting.current += key;
    if (sending.current) return;
    sending.current = true;
    while (waiting.current) {
      const digits = waiting.current;
      waiting.current = "";
      await send(digits);
    }
    sending.current = false;
  }

  function typed(event) {
    if (event.key === "Escape") {
      setOpen(false);
      button.current.focus();
    } else if (KEYS.includes(event.key) && enabled) {
      event.preventDefault();
      press(event.key);
    }
  }

  return html`<div class="menu-holder">
    <button ref=${button} class="button" aria-keyshortcuts="Alt+K" aria-expanded=${open} disabled=${!enabled}
      onClick=${() => setOpen(!open)}>${t("keypad")}</button>
    ${open && html`<div ref=${pad} class="menu keypad" role="group" aria-label=${t("keypad")} onKeyDown=${typed}>
      ${KEYS.map((key) => html`<button key=${key} disabled=${!enabled} onClick=${() => press(key)}>${key}</button>`)}
    </div>`}
  </div>`;
}
