// The agent's phone in the state bar: which one it is and how it is; behind it devices, levels, echo test and quality.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { grade } from "../quality.js";

const LEVEL_EVERY = 100; // ms

export function PhoneButton({ view, phone }) {
  const [open, setOpen] = useState(false);
  const button = useRef();
  const holder = useRef();
  const trouble = phone?.chosen ? phone.problem : "";

  useEffect(() => {
    if (!open) return;
    const outside = ({ target }) => !holder.current?.contains(target) && setOpen(false);
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open]);

  function keys(event) {
    if (event.key !== "Escape" || !open) return;
    setOpen(false);
    button.current.focus();
  }

  const label = html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M5 2.5h2.6l1.3 3.6-1.9 1.3a9 9 0 0 0 5.6 5.6l1.3-1.9 3.6 1.3V15a2.5 2.5 0 0 1-2.7 2.5A13.5 13.5 0 0 1 2.5 5.2 2.5 2.5 0 0 1 5 2.5z" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" />
    </svg>
    <span>${phoneText(view, phone)}</span>`;
  const state = view?.phone && !trouble ? "on" : "off";
  const help = view && !view.phone ? t("phone_missing_help") : undefined;
  if (!phone) return html`<p class="phone ${state}" title=${help}>${label}</p>`;
  return html`<div class="menu-holder phone-holder" ref=${holder} onKeyDown=${keys}>
    <button ref=${button} class="button quiet phone ${state}" title=${help} aria-haspopup="dialog" aria-expanded=${open}
      onClick=${() => setOpen(!open)}>${label}</button>
    ${open && html`<${PhonePanel} phone=${phone} />`}
  </div>`;
}

function phoneText(view, phone) {
  if (phone?.chosen) {
    if (phone.problem) return t(`phone_short_${phone.problem}`);
    if (!phone.up) return t("phone_short_away");
    if (!phone.connected || !phone.said.registered) return t("phone_connecting");
    return t("phone_browser");
  }
  return view ? t(view.phone ? "phone_registered" : "phone_missing") : "";
}

function PhonePanel({ phone }) {
  const panel = useRef();
  useEffect(() => {
    panel.current.querySelector("input:checked")?.focus();
    phone.lookForDevices();
  }, []);
  const choose = (mode) => html`<label class="choice">
    <input type="radio" name="phone-mode" value=${mode} checked=${phone.choices.mode === mode}
      disabled=${phone.said.call !== "none"} onChange=${() => phone.use(mode)} /><span>${t(`phone_use_${mode}`)}</span>
  </label>`;
  return html`<div ref=${panel} class="menu phone-panel" role="dialog" aria-label=${t("phone")}>
    <fieldset><legend>${t("phone_choose")}</legend>
      <div class="choices">${choose("desk")}${choose("browser")}</div>
    </fieldset>
    ${phone.chosen
      ? html`<${Problem} phone=${phone} /><${Devices} phone=${phone} /><${Echo} phone=${phone} /><${Quality} quality=${phone.quality} />`
      : html`<p class="muted">${t("phone_desk_help")}</p>`}
  </div>`;
}

/** What is wrong and what to do about it; the desk phone is always a way out. */
export function Problem({ phone }) {
  const { problem } = phone;
  const away = !problem && !phone.up;
  if (!problem && !away) return html`<p class="phone-problem" role="status"></p>`;
  return html`<div class="phone-problem shown" role="status">
    <p>${t(`phone_problem_${problem || "away"}`)}</p>
    <div class="phone-ways">
      ${problem && problem !== "autoplay" && problem !== "insecure" && html`<button class="button small"
        onClick=${() => phone.retry(problem === "elsewhere")}>${t(problem === "elsewhere" ? "phone_use_here" : "phone_try_again")}</button>`}
      ${problem === "autoplay"
        ? html`<button class="button small" onClick=${() => phone.soundAllowed()}>${t("phone_allow_sound")}</button>`
        : html`<button class="button small" onClick=${() => phone.use("desk")}>${t("phone_take_desk")}</button>`}
    </div>
  </div>`;
}

function Devices({ phone }) {
  const { choices } = phone;
  const pick = (name, kind, extra) => html`<div class="field"><label for=${`phone-${name}`}>${t(`phone_${name}`)}</label>
    <div class="phone-device">
      <select id=${`phone-${name}`} value=${choices[name]} onChange=${({ target }) => phone.change({ [name]: target.value })}>
        <option value="">${t("phone_default_device")}</option>
        ${phone.devices.filter((one) => one.kind === kind).map((one, i) => html`<option key=${one.deviceId}
          value=${one.deviceId}>${one.label || t("phone_device", { n: i + 1 })}</option>`)}
      </select>
      ${extra}
    </div></div>`;
  return html`
    ${pick("microphone", "audioinput", html`<${Level} meters=${phone.meters} name="microphone" />`)}
    ${pick("speaker", "audiooutput", html`<${Level} meters=${phone.meters} name="speaker" />`)}
    ${pick("ringer", "audiooutput", html`<button class="button small" disabled=${phone.ringing}
      onClick=${() => phone.tryRing()}>${t(phone.ringer.ringing && !phone.ringing ? "phone_ring_stop" : "phone_ring_try")}</button>`)}
    <div class="field"><label for="phone-volume">${t("phone_volume")}</label>
      <input id="phone-volume" type="range" min="0" max="1" step="0.05" value=${choices.volume}
        onChange=${({ target }) => phone.change({ volume: Number(target.value) })} /></div>
    <label class="check"><input type="checkbox" checked=${choices.autoAnswer}
      onChange=${({ target }) => phone.change({ autoAnswer: target.checked })} /><span>${t("phone_auto_answer")}</span></label>`;
}

/** Moves by itself: a meter is no reason to draw the page ten times a second. */
function Level({ meters, name }) {
  const meter = useRef();
  useEffect(() => {
    const timer = setInterval(() => (meter.current.value = meters[name]?.level() ?? 0), LEVEL_EVERY);
    return () => clearInterval(timer);
  }, [name]);
  return html`<meter ref=${meter} class="phone-level" min="0" max="1" aria-label=${t(`phone_level_${name}`)}></meter>`;
}

function Echo({ phone }) {
  const { echo, call } = phone.said;
  return html`<div class="phone-echo">
    <button class="button small ${echo ? "chosen" : ""}" aria-pressed=${echo} disabled=${!phone.connected || call !== "none"}
      onClick=${() => phone.echo(!echo)}>${t("phone_echo")}</button>
    <p class="muted">${t(echo ? "phone_echo_on" : "phone_echo_help")}</p>
  </div>`;
}

export function Quality({ quality }) {
  if (!quality) return html`<p class="muted phone-quality">${t("phone_quality_none")}</p>`;
  const { loss, jitter, mos } = quality;
  const level = grade(mos);
  const figures = { loss: (100 * loss).toFixed(1), jitter: Math.round(jitter), mos: mos.toFixed(1) };
  return html`<p class="phone-quality ${level}"><b>${t(`phone_quality_${level}`)}</b> ${t("phone_quality", figures)}</p>`;
}
