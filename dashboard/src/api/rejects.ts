import { client } from './client';
import { pages } from './pages';
import { call } from './problem';
import type { RejectStatus } from './types';

export interface RejectFilter {
  store?: string;
  status?: RejectStatus;
}

export function rejectsQuery(filter: RejectFilter) {
  return pages(['rejects', filter], (cursor) =>
    call(client.GET('/v1/rejects', { params: { query: { ...filter, cursor, limit: 50 } } })),
  );
}

export function replayReject(id: string) {
  return call(client.POST('/v1/rejects/{id}/replay', { params: { path: { id } } }));
}

export function dismissReject(id: string) {
  return call(client.POST('/v1/rejects/{id}/dismiss', { params: { path: { id } } }));
}
