import type { StoreDetail } from '../../api/types';

/** A stream whose delete brake has tripped: it waits until a person has looked. */
export interface TrippedBrake {
  posSystemId: string;
  posSystem: string;
  stream: string;
  message: string;
}

/** A halted stream whose latest job ended at the brake. Later reasons to halt have other codes. */
export function trippedBrakes(detail: Pick<StoreDetail, 'streams' | 'jobs'>): TrippedBrake[] {
  return detail.streams.flatMap((stream) => {
    if (stream.phase !== 'halted' || !stream.pos_system_id) return [];
    const latest = detail.jobs
      .filter((job) => job.pos_system_id === stream.pos_system_id && job.stream === stream.stream)
      .sort((a, b) => Date.parse(b.started_at) - Date.parse(a.started_at))[0];
    if (latest?.error?.code !== 'delete_brake') return [];
    return [
      {
        posSystemId: stream.pos_system_id,
        posSystem: stream.pos_system,
        stream: stream.stream,
        message: latest.error.message,
      },
    ];
  });
}
