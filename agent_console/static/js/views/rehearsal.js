// An offer drawn at log-in where nobody sees it: a browser compiles, styles and rasters everything of a pop once, and
// the first caller of the day must not wait for that.
import { html, render } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { Contact } from "./contact.js";

const LONGEST = 1000; // ms; frames may stop at any moment, when the page is covered
const OFFER = {
  contact: "rehearsal", phase: "offered", view: null, number: "+12135550100", name: "Ábc Xyz", queue: "queue",
  segment: "gold", language: "es", waited_s: 61, path: ["menu:1 abc"], greeting: "Ábc.", prefers: "email", products: ["abc"],
  hints: [{ text: "Ábc" }], intent: "abc", calls_again: 2, grant: { limit: 30, left: 20, currency: "EUR" },
  risk: { risk: 0.6, why: [{ code: "contract_end", values: { days: 9 } }] }, crm: { state: "away", imported_at: 1 },
  offers: [{ offer: "x", product: "abc", reason: {}, line: "Ábc", expected_value: 1.5 }], no_offers: [{ rule: "stranger" }],
  open_tickets: [{ ticket: 1, category: "abc", subject: "Ábc", state: "new", priority: 2, due_at: 1 }],
  contacts: [{ at: "2026-01-01T00:00:00Z", queue: "queue", note: "Ábc", disposition: "xyz" }],
};

/** Resolves when it has been painted and is gone. It has no offer id, so nothing is told to the engine. */
export function rehearse(me) {
  if (document.hidden) return Promise.resolve();
  const stage = document.createElement("div");
  Object.assign(stage, { className: "rehearsal", inert: true, ariaHidden: "true" });
  document.body.append(stage);
  const contact = { ...OFFER, at: now() };
  render(html`<${Contact} ...${{ me, contact, view: null, live: null, enabled: false, queues: {} }} />`, stage);
  const painted = new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const tired = new Promise((done) => setTimeout(done, LONGEST));
  return Promise.race([painted, tired]).then(() => {
    render(null, stage);
    stage.remove();
  });
}
