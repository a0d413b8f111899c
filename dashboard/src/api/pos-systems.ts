import { queryOptions } from '@tanstack/react-query';
import { client } from './client';
import { call } from './problem';

export const posSystemsQuery = queryOptions({
  queryKey: ['pos-systems'],
  queryFn: () => call(client.GET('/v1/pos-systems', { params: { query: { limit: 1000 } } })),
  staleTime: 60_000,
});
