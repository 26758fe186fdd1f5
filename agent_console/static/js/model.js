// What the page knows, as a pure fold over the console's messages. The views only read it.
import { now } from "./clock.js";

const ACTIVITY = 40; // lines kept
const TREND_POINTS = 360;

/** `me` is the agent id of whoever is logged in, or null. */
export function fresh(me, { seq = null, activity = [] } = {}) {
  return {
    me,
    connection: "connecting", // connecting | live | offline
    engine: false,
    seq,
    agents: {},
    queues: {},
    supervisors: {}, // who has taken a call over, or writes how it ended
    trends: {},
    colleagues: {}, // of the agent, oneself too: id to {name, is}
    ticketNotice: null, // the last one, with a number of its own
    appointments: 0, // the last event about a callback that I have promised
    pop: null, // a CallOffered of mine that my state does not show yet
    activity, // newest first
    skipped: false,
  };
}

export function reduce(model, message) {
  switch (message.type) {
    case "connection":
      return { ...model, connection: message.connected ? "live" : "offline" };
    case "snapshot":
      return settled({
        ...model,
        engine: message.engine,
        agents: message.states.agent ?? {},
        queues: message.states.queue ?? {},
        supervisors: message.states.supervisor ?? {},
        trends: message.trends,
        // Missed events follow as replays, so our older number stays until they come. A number ahead of the
        // center's is of another event log.
        seq: model.seq === null || message.skipped || model.seq > message.seq ? message.seq : model.seq,
        skipped: message.skipped,
        pop: null,
      });
    case "engine":
      return { ...model, engine: message.up };
    case "mark":
      return { ...model, seq: message.seq ?? model.seq };
    case "state":
      return withState(model, message);
    case "colleagues":
      return { ...model, colleagues: withColleagues(model.colleagues, message) };
    case "ticket":
      return { ...model, ticketNotice: { ...message, n: (model.ticketNotice?.n ?? 0) + 1 } };
    case "event":
      return withEvent(model, message);
    default:
      return model;
  }
}

function withState(model, { kind, id, data }) {
  if (!["agent", "queue", "supervisor"].includes(kind)) return model;
  const name = `${kind}s`;
  const views = { ...model[name] };
  if (data === null) delete views[id];
  else views[id] = data;
  const trends = kind === "queue" && data !== null ? withTrend(model.trends, data) : model.trends;
  return settled({ ...model, [name]: views, trends });
}

function withColleagues(known, { here, gone, all }) {
  const colleagues = all ? here : { ...known, ...here };
  for (const id of gone) delete colleagues[id];
  return colleagues;
}

function withTrend(trends, { queue, waiting }) {
  const points = trends[queue] ?? [];
  if (points.at(-1)?.[1] === waiting) return trends;
  return { ...trends, [queue]: [...points, [now(), waiting]].slice(-TREND_POINTS) };
}

function withEvent(model, message) {
  if (model.seq !== null && message.seq <= model.seq) return model; // told twice
  const { seq, at, event, contact, data, replay } = message;
  const activity = NOTED.has(event)
    ? [{ seq, at, event, contact, data, replay }, ...model.activity].slice(0, ACTIVITY)
    : model.activity;
  const appointments = OF_APPOINTMENTS.has(event) && data.agent === model.me ? seq : model.appointments;
  const pop =
    event === "CallOffered" && data.agent === model.me && !replay ? { ...data, contact, at } : model.pop;
  return settled({ ...model, seq, activity, appointments, pop });
}

/** The event and the state of an offer come in any order: whichever is first paints the pop, the state ends it. */
function settled(model) {
  const view = model.agents[model.me];
  if (!model.pop || !view) return model;
  const known = view.since_at >= model.pop.at - 0.005 || view.offer?.offer === model.pop.offer;
  return known ? { ...model, pop: null } : model;
}

/** Facts that a human wants to read a line about. */
const NOTED = new Set([
  "CallOffered", "CallBridged", "OfferEnded", "AgentRona", "WrapUpEnded", "PhoneStateChanged",
  "CallQueued", "CallAbandoned", "QueueLeft",
  "CallbackScheduled", "CallbackDue", "DialEnded", "EmergencyCalled", "EmergencyRefused",
]);

const OF_APPOINTMENTS = new Set(["CallbackScheduled", "CallbackDue", "CallbackAttempted", "CallbackEnded"]);

/** The contact on the desk: its pop and its phase (offered | talking | wrap_up), or null. */
export function contactOf(model) {
  const view = model.agents[model.me];
  if (view?.contact && view.state !== "idle") {
    const phase = view.state === "talking" || view.state === "wrap_up" ? view.state : "offered";
    return { ...view.offer, contact: view.contact, phase, view };
  }
  return model.pop ? { ...model.pop, phase: "offered", view: null } : null;
}

/** The same of a call that this supervisor has taken over. */
export function takenBy(model, user) {
  const view = model.supervisors[user];
  return view ? { ...view.offer, contact: view.contact, phase: view.state, view } : null;
}

/** Whether another has the call, and this agent is asked or talks with both. */
export const isGuest = ({ role }) => role === "consulted" || role === "conferee";

const PRESENCE = ["free", "busy", "away"];

/** Everybody who shares a queue with the agent, whoever could take a call first: `[{agent, name, is}]`. */
export const colleaguesOf = ({ me, colleagues }) =>
  Object.entries(colleagues)
    .filter(([id]) => id !== me)
    .map(([agent, one]) => ({ agent, ...one }))
    .sort((a, b) => PRESENCE.indexOf(a.is) - PRESENCE.indexOf(b.is) || a.name.localeCompare(b.name));

/** Whether a request can be sent now. */
export const reachable = (model) => model.connection === "live" && model.engine;
