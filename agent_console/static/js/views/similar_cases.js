// What has worked in cases like this one, as one types: asked for when the keys rest. Nothing is shown for no words.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { label, t } from "../i18n.js";

const TYPING = 250; // ms without a key until it is asked
const LEAST = 4; // letters
const SHOWN = 3;

export function SimilarCases({ text, category = "", labels }) {
  const [cases, setCases] = useState([]);
  const asked = useRef(0);
  const sought = text.trim().length < LEAST ? "" : text.trim().slice(-1000);

  useEffect(() => {
    const number = (asked.current += 1);
    if (!sought) return void setCases([]);
    const timer = setTimeout(async () => {
      const query = new URLSearchParams({ text: sought, category, limit: SHOWN });
      const answer = await call("GET", `/api/cases?${query}`).catch(() => null); // no help is no problem
      if (answer && number === asked.current) setCases(answer.cases);
    }, TYPING);
    return () => clearTimeout(timer);
  }, [sought, category]);

  if (!cases.length) return null;
  return html`<section class="similar" aria-label=${t("similar_cases")}>
    <h2>${t("similar_cases")}</h2>
    <ul class="lines" tabindex="0" aria-label=${t("similar_cases")}>${cases.map((one) => html`<li key=${one.ticket}>
      <span class="line-when">${one.ticket}</span>
      <span class="line-what"><bdi>${one.subject}</bdi><b class="tag">${label(labels.ticket_categories, one.category)}</b></span>
      <span class="line-note" dir="auto">${t("what_worked", { text: one.resolution })}</span>
    </li>`)}</ul>
  </section>`;
}
