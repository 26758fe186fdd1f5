// Tickets that are changed on this page: each list that may show one reads again.
import { useEffect } from "../vendor/preact.js";

const CHANGED = "tickets-changed";

export const ticketsChanged = () => document.dispatchEvent(new Event(CHANGED));

/** Call `again` after each change; `about`: what it depends on, as of an effect. */
export function useTicketChanges(again, about) {
  useEffect(() => {
    document.addEventListener(CHANGED, again);
    return () => document.removeEventListener(CHANGED, again);
  }, about);
}
