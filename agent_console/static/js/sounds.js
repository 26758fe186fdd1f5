// Ring and zip tone, made here (no file to load), on a device of their own; and how loud a stream is.

const RING_HZ = [440, 480];
const RING_ON = 1.2; // s
const RING_EVERY = 3; // s
const ZIP = { hertz: 1400, seconds: 0.25 };
const QUIETEST = -60; // dBFS

let context = null;

/** One AudioContext for the page; browsers let it run once a human has touched the page, or while it has a microphone. */
function audio() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
  return context;
}

/** Plays through an <audio> element, because only that can choose its device. */
export class Player {
  constructor() {
    this.element = document.createElement("audio");
    this.element.autoplay = true;
    this.element.hidden = true;
  }

  /** Attach to the page, so that a test and the browser's own tools find it. */
  named(name) {
    this.element.dataset.sound = name;
    document.body.append(this.element);
    return this;
  }

  /** Resolves to whether it may be heard: a browser may want a human to touch the page first. */
  async play(stream) {
    this.element.srcObject = stream;
    try {
      await this.element.play();
      return true;
    } catch (error) {
      return error.name !== "NotAllowedError";
    }
  }

  stop() {
    this.element.srcObject = null;
  }

  /** Device ids that do not exist any more mean the default. */
  async on(device) {
    if (!this.element.setSinkId || this.element.sinkId === device) return;
    await this.element.setSinkId(device).catch(() => this.element.setSinkId("").catch(() => {}));
  }

  remove() {
    this.stop();
    this.element.remove();
  }
}

function tone(hertz, volume) {
  const to = audio().createMediaStreamDestination();
  const gain = audio().createGain();
  gain.gain.value = 0;
  gain.connect(to);
  const oscillators = hertz.map((one) => {
    const oscillator = audio().createOscillator();
    oscillator.frequency.value = one;
    oscillator.connect(gain);
    oscillator.start();
    return oscillator;
  });
  return {
    stream: to.stream,
    /** Sound for `seconds` from `at` (the context's time), without a click. */
    sound(at, seconds) {
      gain.gain.setTargetAtTime(volume, at, 0.01);
      gain.gain.setTargetAtTime(0, at + seconds, 0.01);
    },
    end: () => oscillators.forEach((one) => one.stop()),
  };
}

export class Ringer {
  constructor() {
    this.player = new Player().named("ring");
    this.ringing = null;
  }

  /** Ring until `stop`; resolves to whether it may be heard. `volume` 0 to 1. */
  async ring(device, volume) {
    this.stop();
    const made = tone(RING_HZ, volume / RING_HZ.length);
    let count = 0;
    const again = () => {
      made.sound(audio().currentTime, RING_ON);
      count += 1;
    };
    again();
    this.ringing = { made, timer: setInterval(again, RING_EVERY * 1000) };
    await this.player.on(device);
    return (await this.player.play(made.stream)) && audio().state === "running";
  }

  /** A beep in the agent's ear: a call is about to be answered by itself. */
  async zip(device, volume) {
    const made = tone([ZIP.hertz], volume);
    await this.player.on(device);
    made.sound(audio().currentTime, ZIP.seconds);
    setTimeout(() => made.end(), 1000 * (ZIP.seconds + 0.5));
    return this.player.play(made.stream);
  }

  stop() {
    if (!this.ringing) return;
    clearInterval(this.ringing.timer);
    this.ringing.made.end();
    this.ringing = null;
    this.player.stop();
  }

  remove() {
    this.stop();
    this.player.remove();
  }
}

/** How loud a stream is now; `level()` gives 0 (silent) to 1 (full). */
export class Meter {
  constructor(stream) {
    this.source = audio().createMediaStreamSource(stream);
    this.analyser = audio().createAnalyser();
    this.analyser.fftSize = 1024;
    this.source.connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  level() {
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, x) => sum + x * x, 0) / this.samples.length;
    const decibels = power > 0 ? 10 * Math.log10(power) : QUIETEST;
    return Math.min(1, Math.max(0, 1 - decibels / QUIETEST));
  }

  close() {
    this.source.disconnect();
  }
}
