// What tells an agent of a call while they look elsewhere: a notification and a ring, once they have asked for it by
// pressing the bell; and a mark on the tab in any case. The browser is asked for nothing before that press.
import { useEffect } from "../vendor/preact.js";
import { isolated, phoneNumber, t } from "./i18n.js";
import { Ringer } from "./sounds.js";

const KEY = "cti.alerts";
const ICONS = { quiet: "/static/icon.svg", call: "/static/icon-call.svg" };

export const alertsOn = () => localStorage.getItem(KEY) === "on";

/** Whether the browser shows our notifications: `granted`, `denied`, `default` or `missing`. */
export const permission = () => (window.Notification ? Notification.permission : "missing");

/** Switch them; the browser asks the human, if it has not yet. Resolves to the permission there is then. */
export async function switchAlerts(on) {
  localStorage.setItem(KEY, on ? "on" : "off");
  return on && permission() === "default" ? Notification.requestPermission() : permission();
}

const lookedAt = () => !document.hidden && document.hasFocus();

/** As long as this offer rings and nobody looks at the page. `phone`: where the browser is the phone it rings by itself. */
export function useAlerts(contact, phone) {
  const offered = contact?.phase === "offered";
  useEffect(() => {
    document.querySelector("link[rel=icon]").href = offered ? ICONS.call : ICONS.quiet;
    if (!offered) return;
    let end = null;
    const look = () => {
      if (lookedAt()) end = void end?.();
      else if (!end && alertsOn()) end = alertTo(contact, phone);
    };
    look();
    const moments = [[document, "visibilitychange"], [window, "focus"], [window, "blur"]];
    for (const [target, name] of moments) target.addEventListener(name, look);
    return () => {
      for (const [target, name] of moments) target.removeEventListener(name, look);
      end?.();
    };
  }, [offered, contact?.contact]);
}

function alertTo(contact, phone) {
  const stop = phone?.chosen || contact.kind === "voicemail" ? null : ring(phone?.choices);
  const said = permission() === "granted" ? notify(contact) : null;
  return () => {
    stop?.();
    said?.close();
  };
}

/** In one of several tabs; returns how to stop. */
function ring({ ringer: device = "", volume = 0.6 } = {}) {
  const ringer = new Ringer();
  let end;
  const over = new Promise((done) => (end = done));
  const begin = (alone) => alone && (ringer.ring(device, volume), over); // the lock is held until it is over
  if (navigator.locks) navigator.locks.request("cti.ring", { ifAvailable: true }, begin);
  else begin(true);
  return () => {
    end();
    ringer.remove();
  };
}

function notify({ contact, name, number }) {
  const who = isolated(name || t("unknown_caller"));
  const said = new Notification(`${t("phase_offered")}: ${who}`, {
    body: isolated(phoneNumber(number) || t("withheld")),
    icon: ICONS.quiet,
    tag: contact, // two tabs tell of it once
  });
  said.onclick = () => {
    window.focus();
    said.close();
  };
  return said;
}
