import { describe, expect, it } from 'vitest';
import type { StoreOverview, StoreState } from '../../api/types';
import { attention } from './attention';
import { headline } from './headline';

function store(state: StoreState, other: Partial<StoreOverview> = {}): StoreOverview {
  return {
    id: other.name ?? state,
    name: state,
    city: null,
    state,
    systems: [],
    last_sync_at: null,
    last_sync_age: null,
    last_seen_at: null,
    queue: { batches: 0, bytes: 0, oldest_at: null },
    streams: { total: 1, ok: 1, syncing: 0, retrying: 0, halted: 0 },
    rejects_open: 0,
    conflicts_open: 0,
    last_error: null,
    update_problem: null,
    ...other,
  };
}

const stores = (...states: StoreState[]) => states.map((state) => store(state));

describe('the headline', () => {
  it('is green only when every store is in sync', () => {
    expect(headline(stores('ok', 'ok'))).toEqual({ tone: 'ok', key: 'all', count: 2, total: 2 });
  });

  it('is never green because there is nothing to see', () => {
    expect(headline([]).tone).toBe('mute');
    expect(headline(stores('ok', 'never'))).toMatchObject({ tone: 'mute', key: 'waiting', count: 1 });
  });

  it('is not green for what is not known', () => {
    expect(headline(stores('ok', 'ok'), 'away')).toMatchObject({ tone: 'mute', key: 'stale' });
  });

  it('asks for a person as soon as one store fails or is silent', () => {
    expect(headline(stores('ok', 'failing', 'warning', 'silent', 'syncing'))).toMatchObject({ tone: 'bad', count: 2, total: 5 });
  });

  it('tells a look worth taking from work under way', () => {
    expect(headline(stores('ok', 'warning', 'syncing'))).toMatchObject({ tone: 'warn', key: 'look' });
    expect(headline(stores('ok', 'syncing'))).toMatchObject({ tone: 'busy', key: 'busy' });
  });
});

describe('what needs attention', () => {
  const now = Date.parse('2026-11-21T02:00:00Z');
  const reasons = (...list: StoreOverview[]) => attention(list, now).map((item) => `${item.store.name} ${item.reason}`);

  it('is nothing when all is well', () => {
    expect(reasons(store('ok'), store('syncing'))).toEqual([]);
  });

  it('puts first what cannot wait, whichever store it is in', () => {
    const list = [
      store('never', { name: 'D' }),
      store('warning', { name: 'B', rejects_open: 3 }),
      store('failing', { name: 'A', conflicts_open: 1 }),
      store('silent', { name: 'C' }),
    ];
    expect(reasons(...list)).toEqual(['A failing', 'C silent', 'A conflicts', 'B rejects', 'D never']);
  });

  it('tells of an agent that left a newer version, though the store is in sync', () => {
    const report = { target: '0.2.0', state: 'rolled_back', message: null } as const;
    const problem = { at: '2026-11-21T01:00:00Z', machine: 'CAJA-1', version: '0.1.0', report, halted: false };
    expect(reasons(store('never', { name: 'B' }), store('ok', { name: 'A', update_problem: problem }))).toEqual(['A update', 'B never']);
  });

  it('speaks of a queue only when it waits for long', () => {
    const waiting = (oldest_at: string) => store('ok', { name: 'A', queue: { batches: 2, bytes: 9, oldest_at } });
    expect(reasons(waiting('2026-11-21T01:58:00Z'))).toEqual([]);
    expect(reasons(waiting('2026-11-21T01:50:00Z'))).toEqual(['A queue']);
  });
});
