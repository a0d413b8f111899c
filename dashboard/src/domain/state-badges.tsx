import type { ConflictStatus, JobStatus, RejectStatus, StoreState, StreamPhase } from '../api/types';
import { useWord } from '../i18n/use-word';
import { StateBadge } from '../ui/state-badge';
import { conflictLook, jobLook, phaseLook, rejectLook, storeLook } from './states';

const unknown = { tone: 'mute' } as const;

export function StoreStateBadge({ state, size }: { state: StoreState; size?: 'sm' | 'md' }) {
  const word = useWord();
  return <StateBadge {...(storeLook[state] ?? unknown)} word={word('storeState', state)} size={size} />;
}

export function JobStatusBadge({ status }: { status: JobStatus }) {
  const word = useWord();
  return <StateBadge {...(jobLook[status] ?? unknown)} word={word('jobStatus', status)} size="sm" />;
}

export function PhaseBadge({ phase }: { phase: StreamPhase }) {
  const word = useWord();
  return <StateBadge {...(phaseLook[phase] ?? unknown)} word={word('phase', phase)} size="sm" />;
}

export function RejectStatusBadge({ status }: { status: RejectStatus }) {
  const word = useWord();
  return <StateBadge {...(rejectLook[status] ?? unknown)} word={word('rejectStatus', status)} size="sm" />;
}

export function ConflictStatusBadge({ status }: { status: ConflictStatus }) {
  const word = useWord();
  return <StateBadge {...(conflictLook[status] ?? unknown)} word={word('conflictStatus', status)} size="sm" />;
}
