// The agent's status and state with its timer, and the buttons that change the status.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { useNow } from "../clock.js";
import { duration, label, t } from "../i18n.js";
import { PhoneButton } from "./phone_panel.js";

/** One word for how an agent is: the state while there is a contact, else the status. */
export function condition(view) {
  if (!view) return "unknown";
  return view.state === "idle" ? view.status : view.state;
}

export const conditionText = (view) =>
  view.state === "idle" ? t(`status_${view.status}`) : t(`state_${view.state}`);

export const reasonText = (view, labels) =>
  view.status === "not_ready" && view.reason ? label(labels?.not_ready_reasons, view.reason) : "";

export function StateBar({ me, view, ask, enabled, phone, actions }) {
  const [busy, setBusy] = useState("");
  const inContact = view && view.state !== "idle";
  const chosen = view && (view.after ? { status: view.after, reason: view.after_reason } : view); // in a contact: what comes then

  async function change(name, args) {
    setBusy(name);
    await ask(name, { args });
    setBusy("");
  }

  async function logOut() {
    setBusy("LogOut");
    if (!view || view.status === "logged_out" || (await ask("LogOut"))) await actions.logOut();
    else setBusy("");
  }

  return html`<section class="card state-bar" aria-label=${t("state")}>
    <div class="state ${condition(view)}">
      <i class="dot" aria-hidden="true"></i>
      <div>
        <p class="state-name">${view ? conditionText(view) : "…"} ${view && html`<${Since} at=${view.since_at} />`}</p>
        <p class="muted state-more">${view ? stateMore(view, me.labels) : ""}</p>
      </div>
    </div>
    <${PhoneButton} view=${view} phone=${phone} />
    <div class="state-buttons">
      <button class="button ${chosen?.status === "ready" ? "chosen" : "primary"}" aria-pressed=${chosen?.status === "ready"}
        aria-keyshortcuts="Alt+R"
        disabled=${!enabled || busy !== ""} onClick=${() => change("Ready", {})}>${t("go_ready")}</button>
      <${ReasonMenu} reasons=${me.labels.not_ready_reasons} pressed=${chosen?.status === "not_ready"}
        current=${chosen?.reason} disabled=${!enabled || busy !== ""}
        onChoose=${(reason) => change("NotReady", { reason })} />
      <button class="button quiet" disabled=${!enabled || busy !== "" || inContact} onClick=${logOut}>${t("log_out")}</button>
    </div>
  </section>`;
}

function stateMore(view, labels) {
  if (view.state === "idle") return reasonText(view, labels);
  const next = view.after ? { ...view, status: view.after, reason: view.after_reason } : view;
  const reason = reasonText(next, labels);
  const status = t(`status_${next.status}`) + (reason ? ` · ${reason}` : "");
  return t("after_call", { status });
}

function Since({ at }) {
  return html`<span class="timer" aria-hidden="true">${duration(useNow() - at)}</span>`;
}

/** A menu by the ARIA pattern: arrows move, Escape closes, focus returns to the button. */
function ReasonMenu({ reasons, pressed, current, disabled, onChoose }) {
  const [open, setOpen] = useState(false);
  const button = useRef();
  const menu = useRef();
  const codes = Object.keys(reasons);

  useEffect(() => {
    if (disabled) setOpen(false);
  }, [disabled]);

  useEffect(() => {
    if (!open) return;
    (menu.current.querySelector("[aria-checked=true]") ?? menu.current.firstElementChild)?.focus();
    const outside = ({ target }) => !menu.current?.parentNode.contains(target) && setOpen(false);
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open]);

  function close() {
    setOpen(false);
    button.current.focus();
  }

  function keys(event) {
    const items = [...menu.current.children];
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      items.at(next % items.length).focus();
    } else if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
  }

  return html`<div class="menu-holder">
    <button ref=${button} class="button ${pressed ? "chosen" : ""}" aria-haspopup="menu" aria-keyshortcuts="Alt+N" aria-expanded=${open}
      disabled=${disabled} onClick=${() => setOpen(!open)}>
      ${t("go_not_ready")}
      <svg class="icon small" viewBox="0 0 12 12" aria-hidden="true"><path d="M2 4l4 4 4-4" fill="none" stroke="currentColor" stroke-width="1.8" /></svg>
    </button>
    ${open && !disabled && html`<div ref=${menu} class="menu" role="menu" aria-label=${t("choose_reason")} onKeyDown=${keys}>
      ${codes.map((code) => html`<button key=${code} role="menuitemradio" tabindex="-1"
        aria-checked=${pressed && code === current}
        onClick=${() => { close(); onChoose(code); }}>${label(reasons, code)}</button>`)}
    </div>`}
  </div>`;
}
