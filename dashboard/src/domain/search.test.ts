import { expect, it } from 'vitest';
import { readConflictSearch } from '../features/conflicts/search';
import { readInventorySearch } from '../features/inventory/search';
import { readJobSearch } from '../features/jobs/search';
import { safeNext } from '../features/login/safe-next';
import { readRejectSearch } from '../features/rejects/search';
import { readStoresSearch } from '../features/stores/search';

it('filters are read from the address', () => {
  expect(readJobSearch({ store: 'a', status: 'failed' })).toEqual({ store: 'a', status: 'failed' });
  expect(readRejectSearch({ status: 'dismissed' })).toEqual({ status: 'dismissed' });
  expect(readConflictSearch({ status: 'resolved', store: 'b' })).toEqual({ status: 'resolved', store: 'b' });
  expect(readInventorySearch({ search: 'harina', store: 'a' })).toEqual({ search: 'harina', store: 'a' });
  expect(readStoresSearch({ create: true })).toEqual({ create: true });
  expect(readStoresSearch({ enrol: 'a', create: true })).toEqual({ enrol: 'a' });
});

it('a barcode that the router read as a number is still a barcode', () => {
  expect(readInventorySearch({ search: 7591002000011 })).toEqual({ search: '7591002000011' });
});

it('what an address says that we do not know is dropped', () => {
  expect(readJobSearch({ store: ' ', status: 'exploded', other: 1 })).toEqual({});
  expect(readInventorySearch({ search: ['a'] })).toEqual({});
  expect(readStoresSearch({ create: 'no' })).toEqual({});
});

it('a login leads to a page of ours and nowhere else', () => {
  expect(safeNext('/stores?create=true')).toBe('/stores?create=true');
  for (const bad of ['https://evil.example', '//evil.example', '/\\evil.example', 'stores', '/login', 7, undefined]) {
    expect(safeNext(bad), String(bad)).toBeUndefined();
  }
});
