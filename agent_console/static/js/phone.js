// The browser as the agent's phone: microphone, line to the gateway, speaker and ring. Views read it and call it.
// The agent chooses; until then, and whenever it cannot work, the desk phone is theirs and `problem` says why.
import { Meter, Player, Ringer } from "./sounds.js";
import { counts, quality } from "./quality.js";

const LINE_WITHIN = 15_000; // ms until a line to the gateway is given up
const AGAIN = 1_000; // ms until a lost line is tried again
const MEND = 3_000; // ms in which a disturbed line may mend itself
const MEASURED = 2_000; // ms between two looks at the quality
const GATHERED = 1_000; // ms for the browser's own candidates
const CHOICES = { mode: "desk", microphone: "", speaker: "", ringer: "", volume: 0.6, autoAnswer: false };
const KEY = "cti.phone";

/** The name of this tab: a reload keeps it, and has its phone back without asking. */
function tab() {
  let name = sessionStorage.getItem("cti.tab");
  if (!name) {
    name = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("cti.tab", name);
  }
  return name;
}

export class Phone {
  /** `user` keeps their own choices; `ask(name, request)` asks the gateway; `onChange` draws. */
  constructor({ user, ask, onChange }) {
    Object.assign(this, { ask, onChange });
    this.key = `${KEY}.${user}`;
    this.choices = { ...CHOICES, ...JSON.parse(localStorage.getItem(this.key) ?? "{}") };
    this.up = false; // whether the gateway is there
    this.problem = ""; // insecure | no_permission | no_device | elsewhere | line | autoplay
    this.said = { registered: false, call: "none", number: "", name: "", echo: false };
    this.devices = [];
    this.quality = null;
    this.peer = this.line = this.microphone = this.timer = null;
    this.connecting = false;
    this.meters = {};
    this.speaker = new Player().named("call");
    this.ringer = new Ringer();
    this.lookAgain = () => this.lookForDevices();
    this.touched = () => this.problem === "autoplay" && this.soundAllowed();
    navigator.mediaDevices?.addEventListener("devicechange", this.lookAgain);
    addEventListener("pointerdown", this.touched);
    addEventListener("keydown", this.touched);
  }

  get chosen() {
    return this.choices.mode === "browser";
  }

  get connected() {
    return this.peer?.connectionState === "connected";
  }

  get ringing() {
    return this.said.call === "ringing";
  }

  get talking() {
    return this.said.call === "talking";
  }

  /** Why the browser would not give a microphone, whatever the human says. */
  static obstacle() {
    return window.isSecureContext && navigator.mediaDevices ? "" : "insecure";
  }

  // --- what the console says ---------------------------------------------------------------------

  take({ up, page, ...said }) {
    this.up = up;
    if (page === undefined) {
      if (up) this.attach();
      else this.said = { ...this.said, registered: false };
    } else {
      const { type: _, ...known } = said;
      const before = this.said;
      this.said = known;
      if (known.elsewhere) this.lostTo();
      this.callChanged(before.call);
    }
    this.onChange();
  }

  lostTo() {
    this.hangLine();
    this.said = { ...this.said, call: "none", registered: false };
    this.problem = "elsewhere";
  }

  callChanged(before) {
    const { call, echo } = this.said;
    if (call === "ringing" && before !== "ringing") this.ring();
    if (call !== "ringing") this.ringer.stop();
    this.send(call === "talking" || echo);
    this.measure(call === "talking" || echo);
    if (call !== "talking" && before === "talking") this.quality = null;
  }

  async ring() {
    if (this.byItself && !this.choices.autoAnswer) return void this.answer(); // the center gives the tone
    if (this.choices.autoAnswer) {
      await this.ringer.zip(this.choices.speaker, this.choices.volume);
      return void this.answer();
    }
    const heard = await this.ringer.ring(this.choices.ringer, this.choices.volume);
    if (!heard && this.ringing) this.fails("autoplay");
  }

  // --- what the human chooses --------------------------------------------------------------------

  async use(mode) {
    if (mode === "desk") {
      if (this.line) {
        const reply = await this.ask("DisconnectPhone");
        if (!reply.ok && reply.error.code === "in_call") return reply;
      }
      this.keep({ mode });
      this.off();
      this.problem = "";
    } else {
      this.keep({ mode });
      await this.attach();
    }
    this.onChange();
    return { ok: true };
  }

  /** Logging out: the phone is given back, and chosen again at the next log-in. */
  async leave() {
    if (this.line) await this.ask("DisconnectPhone");
    this.off();
  }

  keep(part) {
    this.choices = { ...this.choices, ...part };
    localStorage.setItem(this.key, JSON.stringify(this.choices));
  }

  async change(part) {
    this.keep(part);
    if ("microphone" in part && this.microphone) await this.openMicrophone();
    if ("speaker" in part) await this.speaker.on(this.choices.speaker);
    this.onChange();
  }

  answer() {
    this.ringer.stop();
    return this.ask("AnswerPhone");
  }

  decline() {
    this.ringer.stop();
    return this.ask("HangUpPhone");
  }

  echo(on) {
    return this.ask("TestEcho", { on });
  }

  tryRing() {
    if (this.ringer.ringing) this.ringer.stop();
    else this.ringer.ring(this.choices.ringer, this.choices.volume);
    this.onChange();
  }

  /** Try again after a problem; `takeOver` takes the phone from another tab. */
  retry(takeOver = false) {
    this.problem = "";
    return this.attach(takeOver);
  }

  async soundAllowed() {
    const heard = !this.speaker.element.srcObject || (await this.speaker.play(this.speaker.element.srcObject));
    if (!heard) return;
    this.problem = "";
    if (this.ringing) this.ring();
    this.onChange();
  }

  // --- microphone and devices --------------------------------------------------------------------

  async lookForDevices() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    this.devices = all.filter(({ deviceId }) => deviceId && deviceId !== "default");
    this.onChange();
  }

  /** Raises what getUserMedia raises. */
  async openMicrophone() {
    const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const { microphone } = this.choices;
    const open = (device) =>
      navigator.mediaDevices.getUserMedia({ audio: device ? { ...wanted, deviceId: { exact: device } } : wanted });
    const stream = await open(microphone).catch((error) => {
      if (microphone && error.name === "OverconstrainedError") return open(""); // it is not plugged in: the default
      throw error;
    });
    this.closeMicrophone();
    this.microphone = stream;
    this.meters.microphone = new Meter(stream);
    stream.getAudioTracks()[0].addEventListener("ended", () => this.microphone === stream && this.unplugged());
    this.send(this.talking || this.said.echo);
    await this.lookForDevices();
  }

  closeMicrophone() {
    this.meters.microphone?.close();
    delete this.meters.microphone;
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.microphone = null;
  }

  async unplugged() {
    try {
      await this.openMicrophone();
    } catch {
      this.fails("no_device");
    }
  }

  /** Nothing is sent while there is nobody to hear it. */
  send(on) {
    const track = on ? (this.microphone?.getAudioTracks()[0] ?? null) : null;
    this.peer?.getSenders()[0]?.replaceTrack(track);
  }

  // --- the line to the gateway -------------------------------------------------------------------

  /** Have a line, if the browser is the agent's phone: the one there is, else a new one. */
  async attach(takeOver = false) {
    if (!this.chosen || !this.up || this.connecting || (this.problem && this.problem !== "line" && this.problem !== "autoplay")) return;
    this.connecting = true;
    this.onChange();
    try {
      if (this.line && this.connected) {
        const reply = await this.ask("ConnectPhone", { tab: tab(), line: this.line });
        if (reply.ok) return;
      }
      await this.connect(takeOver);
    } catch (error) {
      this.failed(error);
    } finally {
      this.connecting = false;
      this.onChange();
    }
  }

  async connect(takeOver) {
    if (Phone.obstacle()) return this.fails(Phone.obstacle());
    if (!this.microphone) await this.openMicrophone();
    this.hangLine();
    const peer = (this.peer = new RTCPeerConnection());
    const { receiver, sender } = peer.addTransceiver("audio", { direction: "sendrecv" });
    if (this.talking || this.said.echo) await sender.replaceTrack(this.microphone.getAudioTracks()[0]);
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const reply = await this.ask(
      "ConnectPhone",
      { tab: tab(), sdp: peer.localDescription.sdp, take_over: takeOver },
      LINE_WITHIN,
    );
    if (this.peer !== peer) return;
    if (!reply.ok) throw new LineRefused(reply.error.code);
    await peer.setRemoteDescription({ type: "answer", sdp: reply.result.sdp });
    this.line = reply.result.line;
    if (this.problem === "line") this.problem = "";
    const stream = new MediaStream([receiver.track]);
    this.meters.speaker = new Meter(stream);
    await this.speaker.on(this.choices.speaker);
    this.speaker.play(stream).then((heard) => heard || this.fails("autoplay"));
    peer.addEventListener("connectionstatechange", () => this.peer === peer && this.lineChanged(peer));
    this.send(this.talking || this.said.echo);
  }

  lineChanged(peer) {
    this.onChange();
    clearTimeout(this.mending);
    const lost = () => this.peer === peer && !this.connected && this.lineLost();
    if (peer.connectionState === "failed" || peer.connectionState === "closed") lost();
    else if (peer.connectionState === "disconnected") this.mending = setTimeout(lost, MEND);
  }

  lineLost() {
    this.hangLine();
    this.fails("line");
    this.againSoon();
  }

  againSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.attach(), AGAIN);
  }

  failed(error) {
    if (error instanceof LineRefused) {
      this.hangLine();
      if (error.code === "phone_elsewhere") return this.fails("elsewhere");
      this.fails("line");
      if (error.code !== "phone_away") this.againSoon(); // the console says when the gateway is back
    } else if (error.name === "NotAllowedError" || error.name === "SecurityError") {
      this.fails("no_permission");
    } else if (["NotFoundError", "NotReadableError", "OverconstrainedError", "AbortError"].includes(error.name)) {
      this.fails("no_device");
    } else {
      this.hangLine();
      this.fails("line");
      this.againSoon();
    }
  }

  fails(problem) {
    this.problem = problem;
    this.onChange();
  }

  hangLine() {
    this.meters.speaker?.close();
    delete this.meters.speaker;
    clearTimeout(this.mending);
    this.peer?.close();
    this.peer = this.line = null;
    this.speaker.stop();
  }

  // --- quality -----------------------------------------------------------------------------------

  measure(on) {
    if (Boolean(this.measuring) === on) return;
    clearInterval(this.measuring);
    this.measuring = on ? setInterval(() => this.look(), MEASURED) : null;
    this.before = null;
  }

  async look() {
    const { peer } = this;
    if (!peer) return;
    const now = counts(await peer.getStats());
    if (this.before?.peer === peer) this.quality = quality(this.before.counts, now) ?? this.quality;
    this.before = { peer, counts: now };
    this.onChange();
  }

  // --- the end -----------------------------------------------------------------------------------

  off() {
    clearTimeout(this.timer);
    this.measure(false);
    this.ringer.stop();
    this.hangLine();
    this.closeMicrophone();
    this.said = { ...this.said, registered: false, call: "none", echo: false };
  }

  close() {
    this.off();
    this.speaker.remove();
    this.ringer.remove();
    navigator.mediaDevices?.removeEventListener("devicechange", this.lookAgain);
    removeEventListener("pointerdown", this.touched);
    removeEventListener("keydown", this.touched);
  }
}

class LineRefused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Our own addresses are known, or as many as came in time. */
function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHERED);
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && resolve());
  });
}
