// The bell: calls are also told when the page is in the background. What the browser refuses is said in words.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { alertsOn, switchAlerts } from "../alerts.js";
import { t } from "../i18n.js";

const SHOWN = 10_000; // ms

export function Bell() {
  const [on, setOn] = useState(alertsOn);
  const [told, setTold] = useState("");

  useEffect(() => {
    if (!told) return;
    const timer = setTimeout(() => setTold(""), SHOWN);
    return () => clearTimeout(timer);
  }, [told]);

  async function press() {
    setOn(!on);
    const given = await switchAlerts(!on);
    setTold(on ? "" : given === "granted" ? "alerts_on" : "alerts_sound_only");
  }

  return html`<div class="menu-holder">
    <button type="button" class="button quiet small bell ${on ? "chosen" : ""}" aria-pressed=${on} aria-label=${t("alerts")}
      title=${t("alerts")} onClick=${press}>
      <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
        <path d="M4 14.5h12l-1.5-2.5V8.5a4.5 4.5 0 0 0-9 0V12zM8 16.5a2 2 0 0 0 4 0" fill=${on ? "currentColor" : "none"}
          stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" />
      </svg>
    </button>
    <p class="menu bell-told ${told ? "" : "empty"}" role="status">${told && t(told)}</p>
  </div>`;
}
