// What `?` shows: every key of the desk.
import { html, useEffect, useRef } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { SHORTCUTS, useShortcuts } from "../shortcuts.js";

export function ShortcutList() {
  const [open, setOpen] = useShortcuts();
  const dialog = useRef();

  useEffect(() => {
    if (open) dialog.current.showModal();
  }, [open]);

  return html`<button type="button" class="button quiet small shortcuts-button" aria-label=${t("shortcuts")}
      title=${t("shortcuts")} onClick=${() => setOpen(true)}>?</button>
    ${open && html`<dialog ref=${dialog} class="card shortcuts" aria-labelledby="shortcuts-title" onClose=${() => setOpen(false)}>
      <h2 id="shortcuts-title">${t("shortcuts")}</h2>
      <dl>${SHORTCUTS.map(([key, name]) => html`<div key=${key}>
        <dt>${key.split("+").map((part) => html`<kbd>${part}</kbd>`)}</dt><dd>${t(name)}</dd></div>`)}</dl>
      <form method="dialog"><button class="button primary">${t("close")}</button></form>
    </dialog>`}`;
}
