import { expect, it } from 'vitest';
import type { Job, Stream } from '../../api/types';
import { trippedBrakes } from './brakes';

const stream = { pos_system_id: 'p', pos_system: 'systimax', stream: 'items', phase: 'halted' } as Stream;
const job = (started_at: string, code?: string) =>
  ({
    pos_system_id: 'p',
    stream: 'items',
    started_at,
    error: code === undefined ? null : { class: 'business_rule', code, message: 'would delete 3,412 rows' },
  }) as Job;

it('a halted stream whose last job ended at the brake waits for a person', () => {
  const jobs = [job('2026-11-21T01:00:00Z'), job('2026-11-21T02:00:00Z', 'delete_brake')];
  expect(trippedBrakes({ streams: [stream], jobs })).toEqual([
    { posSystemId: 'p', posSystem: 'systimax', stream: 'items', message: 'would delete 3,412 rows' },
  ]);
});

it('a brake of long ago asks for nothing', () => {
  const jobs = [job('2026-11-21T01:00:00Z', 'delete_brake'), job('2026-11-21T02:00:00Z', 'missing_column')];
  expect(trippedBrakes({ streams: [stream], jobs })).toEqual([]);
  expect(trippedBrakes({ streams: [{ ...stream, phase: 'idle' }], jobs: [job('2026-11-21T02:00:00Z', 'delete_brake')] })).toEqual([]);
});
