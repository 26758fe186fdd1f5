// How good a call sounds: loss and jitter from getStats, and an estimate of the mean opinion score by the E-model.
// ITU-T G.107 with G.113 Appendix I for G.711 with concealment: Ie 0, Bpl 25.1; delay as Cole and Rosenbluth (2001).

const R_BEST = 93.2;
const BPL = 25.1;
const CODEC_MS = 20; // a frame

/** MOS 1 to 4.4 for `loss` (share of packets, 0 to 1) and `delay` (ms, one way, from mouth to ear). */
export function mos({ loss, delay }) {
  const percent = 100 * Math.min(Math.max(loss, 0), 1);
  const impairedByLoss = (95 * percent) / (percent + BPL);
  const impairedByDelay = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
  const r = Math.min(Math.max(R_BEST - impairedByLoss - impairedByDelay, 0), 100);
  return r === 0 ? 1 : 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}

/** What counts so far, of a peer connection's `getStats`. */
export function counts(stats) {
  const found = {};
  for (const one of stats.values()) {
    if (one.kind === "audio" && (one.type === "inbound-rtp" || one.type === "remote-inbound-rtp")) found[one.type] = one;
  }
  const { "inbound-rtp": heard, "remote-inbound-rtp": said } = found;
  return {
    received: heard?.packetsReceived ?? 0,
    lost: heard?.packetsLost ?? 0,
    buffered: heard?.jitterBufferDelay ?? 0,
    emitted: heard?.jitterBufferEmittedCount ?? 0,
    jitter: Math.max(heard?.jitter ?? 0, said?.jitter ?? 0),
    lostThere: said?.packetsLost ?? 0,
    sharedThere: said?.fractionLost ?? 0,
    roundTrip: said?.roundTripTime ?? 0,
  };
}

/**
 * The quality between two counts, of the worse direction: `loss` (share), `jitter` and `delay` (ms), `mos`.
 * null while nothing was heard in between.
 */
export function quality(before, now) {
  const received = now.received - before.received;
  const lost = Math.max(0, now.lost - before.lost);
  if (received + lost <= 0) return null;
  const loss = Math.max(lost / (received + lost), now.sharedThere);
  const emitted = now.emitted - before.emitted;
  const buffer = emitted > 0 ? (1000 * (now.buffered - before.buffered)) / emitted : 0;
  const delay = (1000 * now.roundTrip) / 2 + buffer + CODEC_MS;
  return { loss, jitter: 1000 * now.jitter, delay, mos: mos({ loss, delay }) };
}

/** `good`, `fair` or `poor`: the bounds of ITU-T G.107 Annex B, "some users dissatisfied" and "many". */
export const grade = (score) => (score >= 4.03 ? "good" : score >= 3.6 ? "fair" : "poor");
