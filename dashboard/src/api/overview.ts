import { queryOptions } from '@tanstack/react-query';
import { alignClock } from '../format/use-now';
import { client } from './client';
import { call } from './problem';

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: async () => {
    const overview = await call(client.GET('/v1/overview'));
    alignClock(overview.now);
    return overview;
  },
  // A store falls silent without an event, so this is read again even while events arrive.
  refetchInterval: 15_000,
});
