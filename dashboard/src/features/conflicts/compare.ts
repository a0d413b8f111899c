import { equalDecimals, isDecimal } from '../../format/decimal';

/** One field, as each side has it. */
export interface Difference {
  field: string;
  values: (string | undefined)[];
  differs: boolean;
}

/** What disagrees: two or more sides, each with its fields. */
export interface Side {
  /** Who says so. */
  origin: 'pos' | 'cloud';
  /** For a row of a POS: which POS, and which row of it. */
  posSystemId?: string;
  externalId?: string;
  data: unknown;
}

function text(data: unknown, name: string): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const value = (data as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}

/** The sides of a conflict: contested rows of POS systems stand beside each other; else the POS stands beside the cloud. */
export function sidesOf(posData: unknown, cloudData: unknown): Side[] {
  if (Array.isArray(posData)) {
    return posData.map((data: unknown) => ({
      origin: 'pos',
      posSystemId: text(data, 'pos_system_id'),
      externalId: text(data, 'external_id'),
      data,
    }));
  }
  return [
    { origin: 'pos', data: posData },
    { origin: 'cloud', data: cloudData },
  ];
}

function flatten(value: unknown, prefix: string, into: Map<string, string>) {
  if (value === null || value === undefined) return;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object')) into.set(prefix, value.map(String).join(', '));
    else value.forEach((item, index) => flatten(item, `${prefix}[${index + 1}]`, into));
  } else if (typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) flatten(inner, prefix === '' ? key : `${prefix}.${key}`, into);
  } else {
    into.set(prefix, String(value));
  }
}

/** Codes with leading zeros are no numbers: `007` and `7` are two products. */
function isNumber(value: string): boolean {
  return isDecimal(value) && !/^-?0\d/.test(value);
}

function same(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return isNumber(a) && isNumber(b) && equalDecimals(a, b);
}

/** Who says it stands at the head of each side, not among the fields. */
const headings = new Set(['pos_system_id']);

/** All sides field by field, in the order of the first, differences marked. */
export function compareSides(sides: Pick<Side, 'data'>[]): Difference[] {
  const columns = sides.map((side) => {
    const fields = new Map<string, string>();
    flatten(side.data, '', fields);
    return fields;
  });
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))].filter((name) => !headings.has(name));
  return names.map((field) => {
    const values = columns.map((column) => column.get(field));
    return { field, values, differs: values.some((value) => !same(value, values[0])) };
  });
}
