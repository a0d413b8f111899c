import type { ProductHistory } from '../../api/types';
import type { Series, Step } from '../../ui/step-chart';

/** The words a line is named by. */
export interface Names {
  store: (storeId: string) => string;
}

function group<Point>(points: Point[], name: (point: Point) => string, step: (point: Point) => Step): Series[] {
  const lines = new Map<string, Step[]>();
  for (const point of points) {
    const key = name(point);
    const steps = lines.get(key) ?? [];
    steps.push(step(point));
    lines.set(key, steps);
  }
  return [...lines].map(([key, steps]) => ({ name: key, steps })).sort((a, b) => a.name.localeCompare(b.name));
}

/** Currencies that occur, the one with most points first. */
export function currencies(history: ProductHistory): string[] {
  const counts = new Map<string, number>();
  for (const point of history.prices) counts.set(point.currency, (counts.get(point.currency) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([currency]) => currency);
}

/** One line for each store and price list, of one currency: amounts of two cannot share an axis. */
export function priceSeries(history: ProductHistory, currency: string, names: Names): Series[] {
  return group(
    history.prices.filter((point) => point.currency === currency),
    (point) => (point.list === 'default' ? names.store(point.store_id) : `${names.store(point.store_id)} · ${point.list}`),
    (point) => ({ at: point.valid_from, value: point.amount, until: point.valid_to }),
  );
}

/** One line for each store and location. */
export function stockSeries(history: ProductHistory, names: Names): Series[] {
  return group(
    history.stock,
    (point) => (point.location ? `${names.store(point.store_id)} · ${point.location}` : names.store(point.store_id)),
    (point) => ({ at: point.valid_from, value: point.on_hand, until: point.valid_to }),
  );
}
