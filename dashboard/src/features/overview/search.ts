import type { StoreOverview } from '../../api/types';
import { compact, readOneOf, readText } from '../../domain/search';

/** What the address of the overview says: which stores are listed. */
export interface OverviewSearch {
  search?: string;
  show?: 'attention';
}

export function readOverviewSearch(search: Record<string, unknown>): OverviewSearch {
  return compact({ search: readText(search.search), show: readOneOf(['attention'] as const, search.show) });
}

/** As people type: without case and accents. */
function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase();
}

/** The stores that fit: every typed word in name or city. */
export function listedStores(stores: StoreOverview[], { search, show }: OverviewSearch): StoreOverview[] {
  const words = fold(search ?? '').split(/\s+/).filter(Boolean);
  return stores.filter((store) => {
    if (show === 'attention' && store.state === 'ok') return false;
    const text = fold(`${store.name} ${store.city ?? ''}`);
    return words.every((word) => text.includes(word));
  });
}
