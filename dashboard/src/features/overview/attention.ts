import type { StoreOverview } from '../../api/types';
import type { Tone } from '../../ui/tone';

/** Something a person should look at. `reason` names the sentence in the translations under `attention`. */
export interface Attention {
  key: string;
  tone: Tone;
  reason: 'failing' | 'silent' | 'queue' | 'conflicts' | 'rejects' | 'update' | 'never';
  store: StoreOverview;
}

/** A batch that waits for longer than this means that the line is down or too thin. */
const queuePatience = 5 * 60_000;

const urgency: readonly Attention['reason'][] = ['failing', 'silent', 'queue', 'conflicts', 'rejects', 'update', 'never'];

/** All that needs attention, what cannot wait first. */
export function attention(stores: StoreOverview[], now: number): Attention[] {
  const found: Attention[] = [];
  for (const store of stores) {
    const add = (reason: Attention['reason'], tone: Tone) => found.push({ key: `${store.id} ${reason}`, reason, tone, store });
    if (store.state === 'failing') add('failing', 'bad');
    if (store.state === 'silent') add('silent', 'bad');
    const oldest = store.queue.oldest_at;
    // A silent store says nothing new about its queue either.
    if (oldest && store.state !== 'silent' && now - Date.parse(oldest) > queuePatience) add('queue', 'warn');
    if (store.conflicts_open > 0) add('conflicts', 'warn');
    if (store.rejects_open > 0) add('rejects', 'warn');
    if (store.update_problem) add('update', 'warn');
    if (store.state === 'never') add('never', 'mute');
  }
  return found.sort((a, b) => urgency.indexOf(a.reason) - urgency.indexOf(b.reason));
}
