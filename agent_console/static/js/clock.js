// The console's time, not this machine's: offices have wrong clocks. One tick per second for all timers.
import { useEffect, useState } from "../vendor/preact.js";

let offset = 0; // seconds to add to this machine's clock
const ticking = new Set();

export const now = () => Date.now() / 1000 + offset;

export function setNow(seconds) {
  const measured = seconds - Date.now() / 1000;
  if (Math.abs(measured - offset) > 0.25) offset = measured; // the network's jitter is not a new time
}

function tick() {
  for (const update of ticking) update(now());
  setTimeout(tick, 1000 - ((now() * 1000) % 1000) + 5);
}
tick();

/** The current second; the component that asks is drawn again at each. */
export function useNow() {
  const [moment, setMoment] = useState(now);
  useEffect(() => {
    ticking.add(setMoment);
    return () => ticking.delete(setMoment);
  }, []);
  return Math.max(moment, now());
}
