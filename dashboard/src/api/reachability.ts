import { useSyncExternalStore } from 'react';

/** Since when ingest has not answered; `null` while it does. */
let since: number | null = null;
let lastAnswer: number | null = null;
const listeners = new Set<() => void>();

function announce() {
  for (const listener of listeners) listener();
}

export function reached(): void {
  lastAnswer = Date.now();
  if (since === null) return;
  since = null;
  announce();
}

export function unreached(): void {
  if (since !== null) return;
  since = Date.now();
  announce();
}

/** When ingest last answered, for as long as it does not answer now. */
export function useUnreachable(): { lastAnswer: number | null } | null {
  const unreachableSince = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => since,
  );
  return unreachableSince === null ? null : { lastAnswer };
}
