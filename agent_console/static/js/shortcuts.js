// Keys for the whole desk, with Alt so that they work while one writes: such a key presses the button that names it in
// `aria-keyshortcuts`, if it is there and enabled. `?` shows the list, outside of fields.
import { useEffect, useState } from "../vendor/preact.js";

/** What each key is called, in the order of the list. */
export const SHORTCUTS = [
  ["Alt+R", "go_ready"],
  ["Alt+N", "go_not_ready"],
  ["Alt+A", "answer"],
  ["Alt+X", "hang_up"],
  ["Alt+H", "hold"],
  ["Alt+M", "mute"],
  ["Alt+K", "keypad"],
  ["Alt+P", "pause_recording"],
  ["Alt+T", "transfer"],
  ["Alt+C", "complete"],
  ["Alt+J", "join_all"],
  ["Alt+B", "back_to_caller"],
  ["Alt+U", "parked_calls"],
  ["Alt+O", "ticket_open"],
  ["Alt+L", "later"],
  ["Alt+W", "note"],
  ["Alt+1…9", "guide_answer"],
  ["Alt+G", "guide_next"],
  ["Alt+Z", "guide_back"],
  ["?", "shortcuts"],
];

const writes = (element) => element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);

/** Listens as long as it is drawn; whether the list of keys is open, and how to open and close it. */
export function useShortcuts() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    function pressed(event) {
      if (event.ctrlKey || event.metaKey || event.repeat || event.defaultPrevented) return;
      if (event.key === "?" && !event.altKey && !writes(event.target)) return setOpen(true);
      // by its place on the keyboard: Alt with a letter is another sign on a Mac
      const place = /^(?:Key|Digit)(.)$/.exec(event.code)?.[1];
      if (!event.altKey || !place || document.querySelector("dialog[open]")) return;
      const target = document.querySelector(`[aria-keyshortcuts="Alt+${place}"]`);
      if (!target || target.disabled) return;
      event.preventDefault();
      target.focus();
      if (target.tagName === "BUTTON") target.click();
    }
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  return [open, setOpen];
}
