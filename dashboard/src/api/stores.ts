import { queryOptions } from '@tanstack/react-query';
import { alignClock } from '../format/use-now';
import { client } from './client';
import { call } from './problem';

export const storesQuery = queryOptions({
  queryKey: ['stores'],
  queryFn: () => call(client.GET('/v1/stores', { params: { query: { limit: 1000 } } })),
  staleTime: 30_000,
});

export function storeQuery(id: string) {
  return queryOptions({
    queryKey: ['store', id],
    queryFn: async () => {
      const store = await call(client.GET('/v1/stores/{id}', { params: { path: { id } } }));
      alignClock(store.now);
      return store;
    },
    refetchInterval: 15_000,
  });
}

export function createStore(name: string, city: string | null) {
  return call(client.POST('/v1/stores', { body: { name, city } }));
}

export function createEnrolmentCode(id: string) {
  return call(client.POST('/v1/stores/{id}/enrolment-codes', { params: { path: { id } }, body: { valid_hours: null } }));
}

export function syncStore(id: string, mode: 'incremental' | 'full') {
  return call(client.POST('/v1/stores/{id}/sync', { params: { path: { id } }, body: { mode, pos_system_id: null, stream: null } }));
}

export function confirmDeletes(posSystemId: string, stream: string) {
  return call(client.POST('/v1/streams/confirm-deletes', { body: { pos_system_id: posSystemId, stream } }));
}
