import type { RejectFilter } from '../../api/rejects';
import { compact, readOneOf, readText } from '../../domain/search';

export const rejectStatuses = ['open', 'cleared', 'dismissed'] as const;

export function readRejectSearch(search: Record<string, unknown>): RejectFilter {
  return compact({ store: readText(search.store), status: readOneOf(rejectStatuses, search.status) });
}
