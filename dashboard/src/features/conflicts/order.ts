import type { Conflict } from '../../api/types';
import { compareDecimals } from '../../format/decimal';

function size(amount: string): string {
  return amount.replace('-', '');
}

/** The most money first, whatever its sign; what has no price tag comes last; equals by age, oldest first. */
export function byMoney(a: Conflict, b: Conflict): number {
  if (a.money_impact != null && b.money_impact != null) {
    const order = compareDecimals(size(b.money_impact), size(a.money_impact));
    if (order !== 0) return order;
  } else if (a.money_impact != null || b.money_impact != null) {
    return a.money_impact != null ? -1 : 1;
  }
  return Date.parse(a.created_at) - Date.parse(b.created_at);
}
