import { expect, it } from 'vitest';
import type { Conflict } from '../../api/types';
import { compareSides } from './compare';
import { byMoney } from './order';

it('marks what differs, and only that', () => {
  const sides = compareSides(
    { sku: '000417', cost: '27.40', barcodes: ['1', '2'], unit: 'UND' },
    { sku: '000417', cost: '27.4', barcodes: ['1'], brand: 'P.A.N.', unit: 'UND' },
  );
  expect(sides.filter((side) => side.differs).map((side) => side.field)).toEqual(['barcodes', 'brand']);
  expect(sides.map((side) => side.field)).toEqual(['sku', 'cost', 'barcodes', 'unit', 'brand']);
});

it('tells codes with leading zeros from numbers', () => {
  expect(compareSides({ sku: '007' }, { sku: '07' })[0]?.differs).toBe(true);
});

it('names what lies within', () => {
  expect(compareSides({ price: { amount: '1' } }, {}).map((side) => side.field)).toEqual(['price.amount']);
});

it('puts the dearest first, and what has no price last', () => {
  const conflict = (id: string, money_impact: string | null, created_at = '2026-11-21T00:00:00Z') =>
    ({ id, money_impact, created_at }) as Conflict;
  const queue = [
    conflict('unknown', null),
    conflict('small', '9.5'),
    conflict('loss', '-120'),
    conflict('large', '1000'),
    conflict('older unknown', null, '2026-11-20T00:00:00Z'),
  ];
  expect(queue.sort(byMoney).map(({ id }) => id)).toEqual(['large', 'loss', 'small', 'older unknown', 'unknown']);
});
