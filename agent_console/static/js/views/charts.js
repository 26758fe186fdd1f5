// Small pictures where one would rather look than read; each says its number in text too.
import { html } from "../../vendor/preact.js";
import { percent, t } from "../i18n.js";

const SPAN = 1800; // seconds shown
const [WIDTH, HEIGHT] = [120, 28];

/** How many waited, as steps over the last half hour. `points`: [wall seconds, waiting]. */
export function Sparkline({ points, now }) {
  const top = Math.max(3, ...points.map(([, waiting]) => waiting));
  const x = (at) => Math.max(0, ((at - now + SPAN) / SPAN) * WIDTH);
  const y = (waiting) => HEIGHT - 2 - (waiting / top) * (HEIGHT - 5);
  const steps = points.map(([at, waiting]) => `H${x(at).toFixed(1)}V${y(waiting).toFixed(1)}`);
  const line = `M0 ${y(0)}${steps.join("")}H${WIDTH}`;
  const most = Math.max(0, ...points.map(([, waiting]) => waiting));
  return html`<svg class="sparkline" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img"
    aria-label="${t("last_half_hour")}: 0–${most}">
    <path class="area" d="${line}V${HEIGHT}H0Z" /><path class="line" d=${line} />
  </svg>`;
}

const CLOSE = 0.1; // this far below the target is "just below"

/** Service level against its target: bar, tick, number and a word, never colour alone. */
export function LevelBar({ queue }) {
  const { service_level: level, target, threshold } = queue;
  const verdict = level >= target ? "good" : level >= target - CLOSE ? "close" : "bad";
  const goal = t("target", { target: percent(target), threshold: Math.round(threshold) });
  return html`<div class="level ${verdict}">
    <span class="level-text"><b>${percent(level)}</b> <span class="verdict">${t(`sl_${verdict}`)}</span></span>
    <svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label=${goal}>
      <rect class="level-all" width="100" height="8" rx="2" />
      <rect class="level-is" width=${Math.max(0, Math.min(1, level)) * 100} height="8" rx="2" />
      <rect class="level-target" x=${target * 100 - 0.6} y="0" width="1.2" height="8" />
    </svg>
    <small class="muted">${goal}</small>
  </div>`;
}
