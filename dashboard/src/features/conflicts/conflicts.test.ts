import { expect, it } from 'vitest';
import type { Conflict } from '../../api/types';
import { compareSides, sidesOf } from './compare';
import { byMoney } from './order';

it('marks what differs, and only that', () => {
  const sides = compareSides([
    { data: { sku: '000417', cost: '27.40', barcodes: ['1', '2'], unit: 'UND' } },
    { data: { sku: '000417', cost: '27.4', barcodes: ['1'], brand: 'P.A.N.', unit: 'UND' } },
  ]);
  expect(sides.filter((side) => side.differs).map((side) => side.field)).toEqual(['barcodes', 'brand']);
  expect(sides.map((side) => side.field)).toEqual(['sku', 'cost', 'barcodes', 'unit', 'brand']);
});

it('tells codes with leading zeros from numbers', () => {
  expect(compareSides([{ data: { sku: '007' } }, { data: { sku: '07' } }])[0]?.differs).toBe(true);
});

it('names what lies within', () => {
  expect(compareSides([{ data: { price: { amount: '1' } } }, { data: {} }]).map((side) => side.field)).toEqual(['price.amount']);
});

it('sets contested rows beside each other, however many there are', () => {
  const sides = sidesOf(
    [
      { pos_system_id: 'p', external_id: '417', name: 'Harina' },
      { pos_system_id: 'p', external_id: '20417', name: 'HARINA' },
      { pos_system_id: 'q', external_id: '9', name: 'Harina' },
    ],
    { product_id: 'u', reason: 'same_pos' },
  );
  expect(sides.map((side) => [side.posSystemId, side.externalId])).toEqual([['p', '417'], ['p', '20417'], ['q', '9']]);
  expect(compareSides(sides).map((row) => [row.field, row.differs])).toEqual([['external_id', true], ['name', true]]);
});

it('sets the POS beside the cloud where each says one thing', () => {
  expect(sidesOf({ price: '1' }, { price: '2' }).map((side) => side.origin)).toEqual(['pos', 'cloud']);
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
