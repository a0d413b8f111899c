import { client } from './client';
import { pages } from './pages';
import { call } from './problem';
import type { JobStatus } from './types';

export interface JobFilter {
  store?: string;
  status?: JobStatus;
}

export function jobsQuery(filter: JobFilter) {
  return pages(['jobs', filter], (cursor) =>
    call(client.GET('/v1/jobs', { params: { query: { ...filter, cursor, limit: 50 } } })),
  );
}
