import { expect, it } from 'vitest';
import type { ProductHistory } from '../../api/types';
import { valueAt } from '../../ui/step-chart';
import { currencies, priceSeries } from './history-series';

const point = (store_id: string, amount: string, currency: string, valid_from: string, valid_to: string | null = null, list = 'default') =>
  ({ store_id, pos_system_id: 'p', list, amount, currency, valid_from, valid_to }) as ProductHistory['prices'][number];

const history = {
  stock: [],
  prices: [
    point('a', '40', 'VES', '2026-11-20T00:00:00Z'),
    point('a', '38', 'VES', '2026-11-01T00:00:00Z', '2026-11-20T00:00:00Z'),
    point('b', '39', 'VES', '2026-11-01T00:00:00Z', null, 'MAYOR'),
    point('b', '1', 'USD', '2026-11-01T00:00:00Z'),
  ],
} as ProductHistory;
const names = { store: (id: string) => `Store ${id}` };

it('two currencies never share a chart', () => {
  expect(currencies(history)).toEqual(['VES', 'USD']);
  expect(priceSeries(history, 'USD', names).map((line) => line.name)).toEqual(['Store b']);
});

it('each store and list has its own line', () => {
  expect(priceSeries(history, 'VES', names).map((line) => [line.name, line.steps.length])).toEqual([
    ['Store a', 2],
    ['Store b · MAYOR', 1],
  ]);
});

it('a value holds until the next one', () => {
  const steps = [
    { at: '2026-11-01T00:00:00Z', value: '38', until: '2026-11-20T00:00:00Z' },
    { at: '2026-11-20T00:00:00Z', value: '40', until: '2026-11-21T00:00:00Z' },
  ];
  expect(valueAt(steps, Date.parse('2026-10-01T00:00:00Z'))).toBeUndefined();
  expect(valueAt(steps, Date.parse('2026-11-19T00:00:00Z'))).toBe('38');
  expect(valueAt(steps, Date.parse('2026-11-20T00:00:00Z'))).toBe('40');
  expect(valueAt(steps, Date.parse('2026-11-22T00:00:00Z'))).toBeUndefined();
});
