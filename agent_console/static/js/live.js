// The WebSocket: says hello with the last event seen, comes back by itself, and matches replies to requests.

const QUIET = 25_000; // ms without a word from the server (its pulse is 10 s) before we call it dead
const REPLY = 4_000; // ms; the engine has 3 s
const LOGGED_OUT = 4401;

export class Live {
  /** `since()` gives the last event number; `onMessage` gets every message; `onConnection(connected)`. */
  constructor({ since, onMessage, onConnection, onLoggedOut }) {
    Object.assign(this, { since, onMessage, onConnection, onLoggedOut });
    this.waiting = new Map();
    this.nextAsk = 1;
    this.pause = 0;
    this.visible = null;
    this.onlineAgain = () => this.socket === null && this.open();
    addEventListener("online", this.onlineAgain);
    this.socket = null;
    this.open();
  }

  open() {
    clearTimeout(this.again);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = (this.socket = new WebSocket(`${scheme}://${location.host}/live`));
    socket.onopen = () => {
      this.say({ type: "hello", since: this.since() });
      if (this.visible !== null) this.say({ type: "desk", visible: this.visible });
      this.listen();
    };
    socket.onmessage = ({ data }) => {
      this.listen();
      const message = JSON.parse(data);
      if (message.type === "snapshot") {
        this.pause = 0;
        this.onConnection(true);
      }
      if (message.type === "reply") this.waiting.get(message.id)?.(message);
      else this.onMessage(message);
    };
    socket.onclose = ({ code }) => this.closed(socket, code);
  }

  listen() {
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.closed(this.socket, 0), QUIET);
  }

  closed(socket, code) {
    if (socket !== this.socket) return;
    clearTimeout(this.quiet);
    this.socket = null;
    socket.onclose = socket.onmessage = null;
    socket.close();
    for (const settle of [...this.waiting.values()]) settle(AWAY);
    if (code === LOGGED_OUT) return this.onLoggedOut();
    this.onConnection(false);
    // A refused handshake looks like any other failure, so the owner asks /api/me whether we are still logged in.
    this.pause = Math.min(Math.max(this.pause * 2, 250), 5_000);
    this.again = setTimeout(() => this.open(), this.pause * (0.5 + Math.random()));
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Tell whether the agent's desk is in front of a human; said again after each reconnect. */
  showDesk(visible) {
    if (visible === this.visible) return;
    this.visible = visible;
    this.say({ type: "desk", visible });
  }

  /** Ask the engine, or the gateway of browser phones; resolves to `{ok, error: {code, text}, result}` in any case. */
  ask(name, { args = {}, contact = "", state_version = 0, within = REPLY } = {}) {
    if (this.socket?.readyState !== WebSocket.OPEN) return Promise.resolve(AWAY);
    const id = String(this.nextAsk++);
    return new Promise((resolve) => {
      const settle = (reply) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve(reply);
      };
      const timer = setTimeout(() => settle(AWAY), within);
      this.waiting.set(id, settle);
      this.say({ type: "ask", id, name, args, contact, state_version });
    });
  }

  close() {
    removeEventListener("online", this.onlineAgain);
    clearTimeout(this.again);
    clearTimeout(this.quiet);
    if (this.socket) this.socket.onclose = null;
    this.socket?.close();
    this.socket = null;
  }
}

const AWAY = { ok: false, error: { code: "engine_away", text: "" }, result: {} };
