import { expect, it } from 'vitest';
import type { StoreOverview } from '../../api/types';
import { listedStores, readOverviewSearch } from './search';

const stores = [
  { name: 'Sucursal Lechería', city: 'Barcelona', state: 'ok' },
  { name: 'Sucursal Las Américas', city: 'Mérida', state: 'syncing' },
  { name: 'Sucursal Chacao', city: null, state: 'failing' },
] as StoreOverview[];
const found = (search: Parameters<typeof listedStores>[1]) => listedStores(stores, search).map((store) => store.name);

it('finds stores as people type, without case and accents', () => {
  expect(found({ search: 'lecheria' })).toEqual(['Sucursal Lechería']);
  expect(found({ search: 'sucursal MÉRIDA' })).toEqual(['Sucursal Las Américas']);
  expect(found({ search: 'nowhere' })).toEqual([]);
});

it('leaves out those that are in sync when asked to', () => {
  expect(found({ show: 'attention' })).toEqual(['Sucursal Las Américas', 'Sucursal Chacao']);
});

it('reads both from the address', () => {
  expect(readOverviewSearch({ search: 'x', show: 'attention' })).toEqual({ search: 'x', show: 'attention' });
  expect(readOverviewSearch({ show: 'everything' })).toEqual({});
});
