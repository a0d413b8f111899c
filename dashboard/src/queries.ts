import { QueryCache, QueryClient } from '@tanstack/react-query';
import { Problem } from './api/problem';
import { meQuery } from './api/session';

/** The cache of what ingest answered. `onSignedOut` is called when the session has ended. */
export function makeQueries(onSignedOut: () => void): QueryClient {
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (!(error instanceof Problem) || error.status !== 401) return;
        if (queries.getQueryData(meQuery.queryKey) === undefined) return;
        queries.removeQueries({ queryKey: meQuery.queryKey });
        onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 3_000,
        // Only what may pass by itself is tried again; a refusal is not.
        retry: (failures, error) => error instanceof Problem && error.unreachable && failures < 2,
        retryDelay: (attempt) => 1_000 * 2 ** attempt,
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
  return queries;
}
