import { useSyncExternalStore } from 'react';

/** One clock for the whole page: a hundred ages tick on one timer, and it stops when none is shown. */
const listeners = new Set<() => void>();
let ahead = 0;
let current = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

/** Ages are reckoned by the server's clock: a PC whose clock is wrong still shows them right. */
export function alignClock(serverNow: string): void {
  const difference = Date.parse(serverNow) - Date.now();
  // The way of the answer alone makes up for a second or so.
  ahead = Math.abs(difference) < 2_000 ? 0 : difference;
}

function tick() {
  current = Date.now() + ahead;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    current = Date.now() + ahead;
    timer = setInterval(tick, 1_000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== undefined) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The server's time in milliseconds, anew each second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => current);
}
