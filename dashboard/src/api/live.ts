import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

/** How the page learns of changes. */
export type LiveState = 'connecting' | 'live' | 'polling';

/** Which queries an event makes stale. */
export const staleAfter: Record<string, readonly string[]> = {
  store_changed: ['overview', 'stores', 'store'],
  job_changed: ['overview', 'store', 'jobs'],
  conflict_changed: ['overview', 'store', 'conflicts', 'conflict'],
  reject_changed: ['overview', 'store', 'rejects'],
};

const coalesceFor = 700;
const pollEvery = 10_000;

/**
 * Collects what became stale and reads it again at most once in a while: a full load sends events by the hundred. The
 * next reading waits for the last, lest events that come faster than answers cancel every answer.
 */
export function coalesce(flush: (keys: string[]) => Promise<unknown>, wait = coalesceFor) {
  const waiting = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  async function run() {
    const keys = [...waiting];
    waiting.clear();
    await flush(keys).catch(() => undefined);
    timer = undefined;
    schedule();
  }

  function schedule() {
    if (!stopped && waiting.size > 0) timer ??= setTimeout(() => void run(), wait);
  }

  return {
    add(keys: readonly string[]) {
      for (const key of keys) waiting.add(key);
      schedule();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function refresh(queries: QueryClient, keys: string[]): Promise<unknown> {
  return Promise.all(keys.map((key) => queries.invalidateQueries({ queryKey: [key] })));
}

/** Listens to server-sent events for as long as it is mounted, and polls while the line is down. */
export function useLive(): LiveState {
  const queries = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');

  useEffect(() => {
    if (typeof EventSource === 'undefined') return;
    const stale = coalesce((keys) => refresh(queries, keys));
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    let wasDown = false;

    function connect() {
      source = new EventSource('/v1/events');
      source.onopen = () => {
        setState('live');
        // What happened while the line was down was not heard.
        if (wasDown) void queries.invalidateQueries();
        wasDown = false;
      };
      source.onerror = () => {
        wasDown = true;
        setState('polling');
        // A browser mends a broken line by itself, but gives up after a refusal.
        if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, pollEvery);
      };
      for (const [event, keys] of Object.entries(staleAfter)) source.addEventListener(event, () => stale.add(keys));
    }

    connect();
    return () => {
      clearTimeout(again);
      source.close();
      stale.stop();
    };
  }, [queries]);

  useEffect(() => {
    if (state !== 'polling') return;
    const timer = setInterval(() => void queries.invalidateQueries(), pollEvery);
    return () => clearInterval(timer);
  }, [state, queries]);

  return state;
}
