import type { Conflict } from '../../api/types';

function field(data: unknown, name: string): string | undefined {
  if (Array.isArray(data)) return field(data[0], name);
  if (typeof data !== 'object' || data === null) return undefined;
  const value = (data as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What a conflict is about, as people call it: a product's name and its SKU; and why it was raised. */
export function subject(conflict: Pick<Conflict, 'pos_data' | 'cloud_data'>): {
  name?: string;
  sku?: string;
  reason?: string;
} {
  const { pos_data: pos, cloud_data: cloud } = conflict;
  return {
    name: field(cloud, 'name') ?? field(pos, 'name'),
    sku: field(cloud, 'sku') ?? field(pos, 'sku'),
    reason: field(cloud, 'reason'),
  };
}
