/** Reads filters from an address. What it does not know it drops, so that an old bookmark still opens. */

export function readText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  // The router reads `?search=00123` as text only when it is quoted; a bare number arrives as one.
  return typeof value === 'number' ? String(value) : undefined;
}

export function readOneOf<Word extends string>(words: readonly Word[], value: unknown): Word | undefined {
  return words.find((word) => word === value);
}

/** Leaves out what is not set, so that addresses stay short. */
export function compact<Search extends object>(search: Search): Search {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as Search;
}
