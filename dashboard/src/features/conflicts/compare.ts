import { equalDecimals, isDecimal } from '../../format/decimal';

/** One field of both sides. */
export interface Difference {
  field: string;
  pos: string | undefined;
  cloud: string | undefined;
  differs: boolean;
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

function same(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return isDecimal(a) && isDecimal(b) && !/^-?0\d/.test(a) && !/^-?0\d/.test(b) && equalDecimals(a, b);
}

/** Both sides field by field, in the order of the POS's, differences marked. `12.50` and `12.5` are one number; `007` and `7` are two codes. */
export function compareSides(posData: unknown, cloudData: unknown): Difference[] {
  const pos = new Map<string, string>();
  const cloud = new Map<string, string>();
  flatten(posData, '', pos);
  flatten(cloudData, '', cloud);
  return [...new Set([...pos.keys(), ...cloud.keys()])].map((field) => {
    const [left, right] = [pos.get(field), cloud.get(field)];
    return { field, pos: left, cloud: right, differs: !same(left, right) };
  });
}
