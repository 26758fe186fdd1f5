// The entry: who is logged in decides what is shown; the live model is drawn at most once per frame.
import { ApiError, call } from "./api.js";
import { setNow } from "./clock.js";
import { setLanguage } from "./i18n.js";
import { Live } from "./live.js";
import { fresh, reduce } from "./model.js";
import { Phone } from "./phone.js";
import { html, render } from "../vendor/preact.js";
import { LogIn } from "./views/log_in.js";
import { rehearse } from "./views/rehearsal.js";
import { Shell } from "./views/shell.js";

const root = document.getElementById("app");
let me = null; // what /api/me says
let live = null;
let model = null;
let phone = null; // where the center has browser phones
let ended = false; // a session that there was, by nobody here
let leaving = false; // logging out here
let waitingForFrame = false;
const NOTED_AFTER = 200; // ms; a call's events come together, and a pop must not wait until each is written down
let noting = null; // the timer

/** Draw in the next frame: a burst of messages costs one drawing. A hidden page has no frames. */
function redraw() {
  if (waitingForFrame) return;
  waitingForFrame = true;
  const draw = () => {
    waitingForFrame = false;
    render(me ? html`<${Shell} ...${{ me, model, live, phone, actions }} />` : html`<${LogIn} ...${{ ended, actions }} />`, root);
  };
  if (document.hidden) setTimeout(draw, 100);
  else requestAnimationFrame(draw);
}

function take(message) {
  if (message.type === "phone") return phone?.take(message);
  if (message.now !== undefined) setNow(message.now);
  model = reduce(model, message);
  if (message.type === "event" || message.type === "snapshot") noting ??= setTimeout(remember, NOTED_AFTER);
  redraw();
}

/** Where this tab was, so that a reload misses nothing either. */
function remember() {
  clearTimeout(noting);
  noting = null;
  if (!model) return;
  const { seq, activity } = model;
  sessionStorage.setItem(`cti.seen.${me.user}`, JSON.stringify({ seq, activity }));
}

function remembered() {
  return JSON.parse(sessionStorage.getItem(`cti.seen.${me.user}`) ?? "{}");
}

async function start() {
  try {
    me = await call("GET", "/api/me");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) return void setTimeout(start, 1000);
    return leave();
  }
  if (me.role === "agent") await rehearse(me);
  model = fresh(me.agent, remembered());
  if (me.agent && me.browser_phone) {
    const ask = (name, args, within) => live.ask(name, { args, within });
    phone = new Phone({ user: me.user, ask, onChange: redraw });
  }
  live = new Live({
    since: () => model.seq,
    onMessage: take,
    onConnection(connected) {
      take({ type: "connection", connected });
      if (!connected) checkSession();
    },
    onLoggedOut: sessionOver,
  });
  redraw();
}

/** A refused WebSocket does not say why; the session may be over. */
async function checkSession() {
  try {
    me = await call("GET", "/api/me");
  } catch (error) {
    if (error.status === 401) sessionOver();
  }
}

function sessionOver() {
  ended = !leaving;
  leave();
}

function leave() {
  if (noting) remember();
  live?.close();
  phone?.close();
  me = live = model = phone = null;
  redraw();
}

const actions = {
  async logIn(user, password) {
    await call("POST", "/api/session", { body: { user, password } });
    ended = false;
    await start();
  },
  async logOut() {
    leaving = true;
    try {
      await phone?.leave();
      await call("DELETE", "/api/session", { csrf: me.csrf });
      leave();
    } finally {
      leaving = false;
    }
  },
  switchLanguage(code) {
    setLanguage(code);
    redraw();
  },
};

addEventListener("pagehide", remember);

let lastActive = 0;
for (const name of ["pointerdown", "keydown"]) {
  addEventListener(
    name,
    () => {
      if (Date.now() - lastActive < 60_000) return;
      lastActive = Date.now();
      live?.say({ type: "active" });
    },
    { passive: true },
  );
}

start();
