import type { ProductFilter } from '../../api/products';
import { compact, readText } from '../../domain/search';

export function readInventorySearch(search: Record<string, unknown>): ProductFilter {
  return compact({ search: readText(search.search), store: readText(search.store) });
}
