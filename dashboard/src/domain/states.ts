import type { ConflictStatus, JobStatus, RejectStatus, StoreState, StreamPhase } from '../api/types';
import type { IconName } from '../ui/icon';
import type { Tone } from '../ui/tone';

interface Look {
  tone: Tone;
  icon?: IconName;
}

/** How each state of a store looks. The words stand in the translations under `storeState`. */
export const storeLook: Record<StoreState, Look> = {
  failing: { tone: 'bad' },
  silent: { tone: 'bad', icon: 'silent' },
  warning: { tone: 'warn' },
  syncing: { tone: 'busy' },
  never: { tone: 'mute', icon: 'plug' },
  ok: { tone: 'ok' },
};

export const jobLook: Record<JobStatus, Look> = {
  pending: { tone: 'mute', icon: 'clock' },
  running: { tone: 'busy' },
  completed: { tone: 'ok' },
  failed: { tone: 'bad' },
};

export const phaseLook: Record<StreamPhase, Look> = {
  idle: { tone: 'ok', icon: 'check' },
  snapshot: { tone: 'busy' },
  following: { tone: 'ok', icon: 'check' },
  retrying: { tone: 'warn', icon: 'replay' },
  halted: { tone: 'bad' },
  other: { tone: 'mute' },
};

export const rejectLook: Record<RejectStatus, Look> = {
  open: { tone: 'warn' },
  cleared: { tone: 'ok' },
  dismissed: { tone: 'mute' },
};

export const conflictLook: Record<ConflictStatus, Look> = {
  open: { tone: 'warn', icon: 'conflict' },
  resolved: { tone: 'ok' },
};
