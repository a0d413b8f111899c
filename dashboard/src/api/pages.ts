import { infiniteQueryOptions } from '@tanstack/react-query';

/** A list that is read page by page: every cursor page is asked for in the same way. */
export function pages<Page extends { next_cursor?: string | null }>(
  key: readonly unknown[],
  fetchPage: (cursor: string | undefined) => Promise<Page>,
  refetchInterval?: number,
) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam }) => fetchPage(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval,
  });
}
