import type { ConflictFilter } from '../../api/conflicts';
import { compact, readOneOf, readText } from '../../domain/search';

export const conflictStatuses = ['open', 'resolved'] as const;

export function readConflictSearch(search: Record<string, unknown>): ConflictFilter {
  return compact({ store: readText(search.store), status: readOneOf(conflictStatuses, search.status) });
}
