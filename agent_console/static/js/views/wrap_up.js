// Result and note. Open from the first moment, sent in wrap-up; a chosen result is sent before the time runs out.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { useNow } from "../clock.js";
import { dropDraft, useDraft } from "../drafts.js";
import { duration, label, t } from "../i18n.js";
import { SimilarCases } from "./similar_cases.js";

const BEFORE_END = 1.5; // seconds of wrap-up left when a chosen result is sent unasked

export function WrapUp({ me, contact, ask, enabled }) {
  const [draft, change] = useDraft("note", contact);
  const [busy, setBusy] = useState(false);
  const sent = useRef(false);
  const open = contact.phase === "wrap_up";
  const { dispositions } = me.labels;

  async function submit(event) {
    event?.preventDefault();
    if (!open || !enabled || busy || sent.current || !draft.disposition) return;
    setBusy(true);
    sent.current = await ask("SubmitDisposition", {
      contact: contact.contact,
      state_version: contact.view.state_version,
      args: { disposition: draft.disposition, note: draft.note.trim() },
    });
    if (sent.current) dropDraft("note", contact.contact);
    setBusy(false);
  }

  return html`<form id="wrap-up" class="wrap-up" onSubmit=${submit}
    onKeyDown=${(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && submit(event)}>
    <fieldset disabled=${busy}>
      <legend>${t("disposition")}</legend>
      <div class="choices">
        ${Object.keys(dispositions).map((code) => html`<label key=${code} class="choice">
          <input type="radio" name="disposition" value=${code} required checked=${draft.disposition === code}
            onChange=${() => change({ disposition: code })} />
          <span>${label(dispositions, code)}</span>
        </label>`)}
      </div>
    </fieldset>
    <label class="field grow">${t("note")}
      <textarea name="note" aria-keyshortcuts="Alt+W" maxlength="2000" placeholder=${t("note_hint")} value=${draft.note} readonly=${busy}
        onInput=${(event) => change({ note: event.target.value })}></textarea>
    </label>
    <${SimilarCases} text=${draft.note} labels=${me.labels} />
    ${open && html`<${TimeLeft} endsAt=${contact.view.wrap_up_ends_at} startedAt=${contact.view.since_at}
      onAlmostOver=${draft.disposition ? submit : null} />`}
  </form>`;
}

function TimeLeft({ endsAt, startedAt, onAlmostOver }) {
  const now = useNow();
  const left = endsAt - now;
  const almostOver = endsAt > 0 && left <= BEFORE_END;
  useEffect(() => {
    if (almostOver) onAlmostOver?.();
  }, [almostOver]);
  if (!endsAt) return null;
  return html`<div class="time-left">
    <progress max=${Math.max(endsAt - startedAt, 1)} value=${Math.max(left, 0)} aria-label=${t("phase_wrap_up")}></progress>
    <span class="muted">${left > 0 ? t("wrap_up_left", { time: duration(Math.ceil(left)) }) : t("wrap_up_over")}</span>
  </div>`;
}
