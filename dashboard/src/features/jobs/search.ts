import type { JobFilter } from '../../api/jobs';
import { compact, readOneOf, readText } from '../../domain/search';

export const jobStatuses = ['running', 'completed', 'failed', 'pending'] as const;

export function readJobSearch(search: Record<string, unknown>): JobFilter {
  return compact({ store: readText(search.store), status: readOneOf(jobStatuses, search.status) });
}
