// What an agent wrote about a contact but has not sent: kept per contact and kind, shared by tabs, gone when sent.
// Where a call is over before it was sent, the desk lists it (views/unsent.js).
import { useEffect, useState } from "../vendor/preact.js";

const KEPT = 20; // drafts
const PREFIX = "cti.draft.";
const here = new EventTarget(); // `storage` is told to other tabs only

const EMPTY = {
  note: { disposition: "", note: "" },
  ticket: { category: "", priority: "", subject: "", text: "", mine: true },
  later: { at: "", zone: "center", number: "", own: true, note: "" },
};
const WRITTEN = { note: ["note"], ticket: ["subject", "text"], later: ["at", "note", "number"] };

const keyOf = (kind, contact) => `${PREFIX}${kind}.${contact}`;
const stored = (key) => JSON.parse(localStorage.getItem(key) ?? "null");

function write(key, draft) {
  localStorage.setItem(key, JSON.stringify({ ...draft, at: Date.now() }));
  const keys = Object.keys(localStorage).filter((each) => each.startsWith(PREFIX));
  const age = (each) => stored(each).at ?? 0;
  for (const old of keys.sort((a, b) => age(a) - age(b)).slice(0, -KEPT)) localStorage.removeItem(old);
  here.dispatchEvent(new Event("change"));
}

export function dropDraft(kind, contact) {
  localStorage.removeItem(keyOf(kind, contact));
  here.dispatchEvent(new Event("change"));
}

function useChanges(told) {
  useEffect(() => {
    addEventListener("storage", told);
    here.addEventListener("change", told);
    return () => {
      removeEventListener("storage", told);
      here.removeEventListener("change", told);
    };
  });
}

/** `[draft, change]`; `change({note})` keeps the rest. `contact`: as it stands on the desk; one who began it owns it. */
export function useDraft(kind, contact) {
  const key = keyOf(kind, contact.contact);
  const read = () => ({ ...EMPTY[kind], ...stored(key)?.fields });
  const [draft, setDraft] = useState(read);
  useChanges((event) => event.key === key && setDraft(read())); // of another tab
  const change = (part) => {
    const fields = { ...draft, ...part };
    setDraft(fields);
    const { number = "", name = "", queue = "" } = contact;
    const about = stored(key)?.about ?? { contact: contact.contact, number, name, queue };
    write(key, { kind, fields, about, agent: contact.view?.agent ?? contact.agent });
  };
  return [draft, change];
}

/** What this agent wrote about contacts that are not on the desk any longer, newest first. */
export function useUnsent(agent, onDesk) {
  const [, again] = useState(0);
  useChanges(() => again((n) => n + 1));
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX))
    .map(stored)
    .filter((one) => one.agent === agent && one.about?.contact !== onDesk)
    .filter(({ kind, fields }) => WRITTEN[kind].some((name) => fields[name]?.trim()))
    .sort((a, b) => b.at - a.at);
}
