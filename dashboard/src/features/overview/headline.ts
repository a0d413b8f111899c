import type { StoreOverview, StoreState } from '../../api/types';
import type { Tone } from '../../ui/tone';

/** The one sentence that answers: are all stores in sync? `key` names it in the translations under `headline`. */
export interface Headline {
  tone: Tone;
  key: 'none' | 'stale' | 'all' | 'act' | 'look' | 'busy' | 'waiting';
  /** How many stores the sentence is about. */
  count: number;
  /** How many stores there are. */
  total: number;
}

export function countStates(stores: Pick<StoreOverview, 'state'>[]): Record<StoreState, number> {
  const counts: Record<StoreState, number> = { failing: 0, silent: 0, warning: 0, syncing: 0, never: 0, ok: 0 };
  for (const store of stores) counts[store.state] += 1;
  return counts;
}

/** The worst that holds decides: a person to act, then a look to take, then work under way. */
export function headline(stores: Pick<StoreOverview, 'state'>[], ingest: 'answers' | 'away' = 'answers'): Headline {
  const total = stores.length;
  const counts = countStates(stores);
  if (total === 0) return { tone: 'mute', key: 'none', count: 0, total };
  // What was green when the line went down may be anything by now.
  if (ingest === 'away') return { tone: 'mute', key: 'stale', count: total, total };
  const act = counts.failing + counts.silent;
  if (act > 0) return { tone: 'bad', key: 'act', count: act, total };
  if (counts.warning > 0) return { tone: 'warn', key: 'look', count: counts.warning, total };
  if (counts.syncing > 0) return { tone: 'busy', key: 'busy', count: counts.syncing, total };
  if (counts.never > 0) return { tone: 'mute', key: 'waiting', count: counts.never, total };
  return { tone: 'ok', key: 'all', count: total, total };
}
