import { queryOptions } from '@tanstack/react-query';
import { client } from './client';
import { pages } from './pages';
import { call } from './problem';
import type { ConflictStatus, Strategy } from './types';

export interface ConflictFilter {
  store?: string;
  status?: ConflictStatus;
}

export function conflictsQuery(filter: ConflictFilter) {
  return pages(['conflicts', filter], (cursor) =>
    call(client.GET('/v1/conflicts', { params: { query: { ...filter, cursor, limit: 100 } } })),
  );
}

export function conflictQuery(id: string) {
  return queryOptions({
    queryKey: ['conflict', id],
    queryFn: () => call(client.GET('/v1/conflicts/{id}', { params: { path: { id } } })),
  });
}

export function resolveConflict(id: string, strategy: Strategy, notes: string | null) {
  return call(client.POST('/v1/conflicts/{id}/resolve', { params: { path: { id } }, body: { strategy, notes } }));
}
