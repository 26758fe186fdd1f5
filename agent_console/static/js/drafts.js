// What an agent wrote about a contact but has not sent: kept per contact, shared by tabs, gone when sent.
import { useEffect, useState } from "../vendor/preact.js";

const KEPT = 20; // contacts
const PREFIX = "cti.draft.";
const EMPTY = { disposition: "", note: "" };

const read = (contact) => JSON.parse(localStorage.getItem(PREFIX + contact) ?? "null") ?? EMPTY;

function write(contact, draft) {
  localStorage.setItem(PREFIX + contact, JSON.stringify({ ...draft, at: Date.now() }));
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  if (keys.length <= KEPT) return;
  const age = (key) => JSON.parse(localStorage.getItem(key)).at ?? 0;
  for (const key of keys.sort((a, b) => age(a) - age(b)).slice(0, -KEPT)) localStorage.removeItem(key);
}

export const dropDraft = (contact) => localStorage.removeItem(PREFIX + contact);

/** `[draft, change]`; `change({note})` keeps the rest. */
export function useDraft(contact) {
  const [draft, setDraft] = useState(() => read(contact));
  useEffect(() => {
    const elsewhere = ({ key }) => key === PREFIX + contact && setDraft(read(contact));
    addEventListener("storage", elsewhere);
    return () => removeEventListener("storage", elsewhere);
  }, [contact]);
  const change = (part) => {
    const changed = { ...draft, ...part };
    setDraft(changed);
    write(contact, changed);
  };
  return [draft, change];
}
