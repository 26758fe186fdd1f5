// The log-in page: two fields, one button, a clear word when it does not work.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { explain, t } from "../i18n.js";
import { Preferences } from "./preferences.js";

/** `ended`: the session that there was is over, and nobody pressed anything for that. */
export function LogIn({ ended, actions }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(ended ? t("err_logged_out") : "");
  const user = useRef();
  const password = useRef();
  useEffect(() => {
    document.title = t("product");
    user.current.focus();
  }, []);

  async function submit(event) {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await actions.logIn(user.current.value.trim(), password.current.value);
    } catch (error) {
      setProblem(explain({ code: error.code, text: error.message }));
      setBusy(false);
      password.current.value = "";
      password.current.focus();
    }
  }

  return html`<main class="log-in">
    <form class="card log-in-card" onSubmit=${submit}>
      <img src="/static/icon.svg" alt="" width="48" height="48" />
      <div>
        <h1>${t("product")}</h1>
        <p class="muted">${t("log_in_lead")}</p>
      </div>
      <label class="field">${t("user")}
        <input ref=${user} name="user" autocomplete="username" autocapitalize="none" spellcheck=${false} required />
      </label>
      <label class="field">${t("password")}
        <input ref=${password} name="password" type="password" autocomplete="current-password" required />
      </label>
      <p class="problem" role="alert">${problem}</p>
      <button class="button primary wide" disabled=${busy}>${busy ? t("logging_in") : t("log_in")}</button>
      <${Preferences} actions=${actions} />
    </form>
  </main>`;
}
