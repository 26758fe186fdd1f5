// A customer on the supervisor's page: looked up, two entries made one and two again; for administrators the export, and erasing.
import { html, useState } from "../../vendor/preact.js";
import { call } from "../api.js";
import { explain, phoneNumber, t, words } from "../i18n.js";

export function Customers({ me }) {
  const [problem, setProblem] = useState("");
  const [found, setFound] = useState(null); // the profile
  const [done, setDone] = useState(""); // what has just been done
  const [merge, setMerge] = useState(null); // the last one, to undo it
  const [doubles, setDoubles] = useState(null);
  const csrf = me.csrf;

  async function attempt(work, says = () => "") {
    try {
      const answer = await work();
      setProblem("");
      setDone(says(answer));
      return answer;
    } catch (error) {
      setProblem(explain(error));
      return null;
    }
  }

  async function look(event) {
    event.preventDefault();
    const wanted = new FormData(event.target).get("wanted").trim();
    setFound(null);
    if (wanted) setFound((await attempt(() => call("GET", `/api/customers/${encodeURIComponent(wanted)}`)))?.profile ?? null);
  }

  async function join(kept, gone) {
    const made = await attempt(() => call("POST", "/api/merges", { body: { kept, gone }, csrf }));
    if (made) setMerge(made), setDoubles(null), setFound(null);
  }

  async function undo() {
    const back = await attempt(() => call("POST", `/api/merges/${merge.merge}/undo`, { body: {}, csrf }), ({ gone }) => t("customers_back", { gone }));
    if (back) setMerge(null);
  }

  return html`<section class="card customers" aria-label=${t("customers")}>
    <h2>${t("customers")}</h2>
    <form class="grant-form" onSubmit=${look}>
      <input name="wanted" type="search" maxlength="200" aria-label=${t("customers_wanted")} placeholder=${t("customers_wanted")} />
      <button class="button">${t("search")}</button>
      <button type="button" class="button quiet" onClick=${async () => setDoubles((await attempt(() => call("GET", "/api/doubles")))?.doubles ?? null)}>${t("customers_doubles")}</button>
    </form>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    <p role="status">${merge ? t("customers_merged", merge) : done} ${merge && html`<button class="button small" onClick=${undo}>${t("customers_undo")}</button>`}</p>
    ${found && html`<${Customer} key=${found.customer} customer=${found} ...${{ me, attempt }} onErased=${() => setFound(null)} />`}
    ${doubles && (doubles.length ? html`<ul class="lines">${doubles.map(({ value, customers: [kept, ...others] }) => others.map((gone) => html`
      <li key=${`${value} ${kept} ${gone}`}><span class="line-what"><bdi>${value}</bdi> <small class="muted">${kept} · ${gone}</small></span>
        <button class="button small" onClick=${() => join(kept, gone)}>${t("customers_merge")}</button></li>`))}</ul>` : html`<p class="muted">${t("customers_no_doubles")}</p>`)}
  </section>`;
}

function Customer({ customer: { customer, name, segment, numbers = [], region, contacts }, me, attempt, onErased }) {
  const [confirm, setConfirm] = useState("");
  const mayProtect = customer && me.permissions.includes("protect_data");
  const path = `/api/customers/${encodeURIComponent(customer)}`;

  async function save() {
    const all = await attempt(() => call("GET", `${path}/export`), () => t("customers_exported"));
    if (!all) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(all, null, 1)], { type: "application/json" }));
    link.download = `${customer}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  async function erase(event) {
    event.preventDefault();
    const begun = await attempt(() => call("POST", `${path}/erase`, { body: { confirm: customer }, csrf: me.csrf }), ({ pseudonym }) => t("customers_erased", { pseudonym }));
    if (begun) onErased();
  }

  return html`<div data-customer=${customer}>
    <p><b><bdi>${name || customer || t("unknown_caller")}</bdi></b> <b class="tag">${words(segment)}</b> <small class="muted">${[customer, region, ...numbers.map(phoneNumber), t("customers_contacts", { n: contacts.length })].filter(Boolean).join(" · ")}</small></p>
    ${mayProtect && html`<button class="button" onClick=${save}>${t("customers_export")}</button>
      <form class="grant-form" onSubmit=${erase}>
        <input autocomplete="off" aria-label=${t("customers_confirm", { customer })} placeholder=${t("customers_confirm", { customer })} value=${confirm} onInput=${(event) => setConfirm(event.target.value)} />
        <button class="button danger" disabled=${confirm !== customer}>${t("customers_erase")}</button>
      </form>`}
  </div>`;
}
