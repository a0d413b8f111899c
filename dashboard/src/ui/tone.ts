import type { IconName } from './icon';

/** What a state means to the person looking: nothing to do, wait, look at it, act, or nothing known. */
export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'mute';

/** Each tone's own icon, so that colour never carries the meaning alone. */
export const toneIcon: Record<Tone, IconName> = {
  ok: 'checkCircle',
  busy: 'sync',
  warn: 'warning',
  bad: 'error',
  mute: 'idle',
};
