/** What the address of the stores page says: which dialog is open. */
export interface StoresSearch {
  create?: true;
  /** The store whose agent gets a code. */
  enrol?: string;
}

export function readStoresSearch(search: Record<string, unknown>): StoresSearch {
  if (typeof search.enrol === 'string' && search.enrol !== '') return { enrol: search.enrol };
  return search.create === true || search.create === 'true' ? { create: true } : {};
}
