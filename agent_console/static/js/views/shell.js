// What stands around every page: product, navigation, connection, preferences, and the banner when offline.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { t } from "../i18n.js";
import { Bell } from "./bell.js";
import { Desk } from "./desk.js";
import { Floor } from "./floor.js";
import { Preferences } from "./preferences.js";
import { ShortcutList } from "./shortcut_list.js";

export function Shell({ me, model, live, phone, actions }) {
  const pages = [
    ...(me.permissions.includes("watch_center") ? ["floor"] : []),
    ...(me.role === "agent" || model.agents[me.agent] ? ["desk"] : []),
  ];
  const [chosen, choose] = useState(null);
  const page = pages.includes(chosen) ? chosen : (pages[0] ?? "desk");

  useEffect(() => {
    const tell = () => live.showDesk(page === "desk" && !document.hidden);
    tell();
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  }, [page, live]);

  return html`<div class="shell">
    <a class="skip" href="#page">${t("skip")}</a>
    <header class="top">
      <img class="mark" src="/static/icon.svg" alt="" width="28" height="28" />
      <span class="product">${t("product")}</span>
      ${pages.length > 1 && html`<nav class="tabs">
        ${pages.map((name) => html`<button key=${name} class="tab" aria-current=${name === page ? "page" : undefined}
          onClick=${() => choose(name)}>${t(name)}</button>`)}
      </nav>`}
      <span class="grow"></span>
      <${Connection} model=${model} />
      <span class="who">${me.display}</span>
      ${page === "desk" && html`<${Bell} />`}
      ${(page === "desk" || model.supervisors[me.user]) && html`<${ShortcutList} />`}
      <${Preferences} actions=${actions} />
      ${page === "floor" && html`<button class="button quiet small" onClick=${actions.logOut}>${t("log_out")}</button>`}
    </header>
    <${Banner} model=${model} />
    <main id="page" tabindex="-1">
      ${page === "desk"
        ? html`<${Desk} ...${{ me, model, live, phone, actions }} />`
        : html`<${Floor} ...${{ model, labels: me.labels, me, live, phone }} />`}
    </main>
  </div>`;
}

function Connection({ model }) {
  const state = model.connection === "live" && !model.engine ? "offline" : model.connection;
  return html`<span class="connection ${state}"><i class="dot"></i><span>${t(state)}</span></span>`;
}

/** Laid over the top bar, so that coming and going moves nothing and hides no control of a call. */
function Banner({ model }) {
  const text =
    model.connection === "offline" ? t("banner_offline")
    : model.connection === "live" && !model.engine ? t("banner_engine")
    : "";
  return html`<div class="banner ${text ? "shown" : ""}" role="status">${text}</div>`;
}
