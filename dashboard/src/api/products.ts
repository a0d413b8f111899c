import { queryOptions } from '@tanstack/react-query';
import { client } from './client';
import { pages } from './pages';
import { call } from './problem';

export interface ProductFilter {
  search?: string;
  store?: string;
}

/** Stock moves with every sale, so an open list is read again now and then rather than at each event. */
const rereadEvery = 20_000;

export function productsQuery(filter: ProductFilter) {
  return pages(
    ['products', filter],
    (cursor) => call(client.GET('/v1/products', { params: { query: { ...filter, cursor, limit: 50 } } })),
    rereadEvery,
  );
}

export function productQuery(id: string) {
  return queryOptions({
    queryKey: ['product', id],
    queryFn: () => call(client.GET('/v1/products/{id}', { params: { path: { id } } })),
    refetchInterval: rereadEvery,
  });
}

export function productHistoryQuery(id: string) {
  return queryOptions({
    queryKey: ['product', id, 'history'],
    queryFn: () => call(client.GET('/v1/products/{id}/history', { params: { path: { id } } })),
    refetchInterval: rereadEvery,
  });
}
