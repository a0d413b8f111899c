import type { Conflict } from '../../api/types';

function field(data: unknown, names: string[]): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const record = data as Record<string, unknown>;
  for (const name of names) {
    const value = record[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** What a conflict is about, as people call it: a product's name and its SKU. */
export function subject(conflict: Pick<Conflict, 'pos_data' | 'cloud_data'>): { name?: string; sku?: string } {
  return {
    name: field(conflict.pos_data, ['name']) ?? field(conflict.cloud_data, ['name']),
    sku: field(conflict.pos_data, ['sku']) ?? field(conflict.cloud_data, ['sku']),
  };
}
