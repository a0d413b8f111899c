/** A count: 20.000 or 20,000. */
export function formatCount(count: number, locale: string): string {
  return new Intl.NumberFormat(locale).format(count);
}

/** A large count for a tile: 1,2 M. Below ten thousand every digit is shown. */
export function formatShort(count: number, locale: string): string {
  if (Math.abs(count) < 10_000) return formatCount(count, locale);
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(count);
}

/** A share from 0 to 1. It never rounds up to 100 %: one failure in a thousand is not none. */
export function formatShare(share: number, locale: string): string {
  const shown = share < 1 ? Math.min(Math.floor(share * 1000) / 1000, 0.999) : 1;
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }).format(shown);
}

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Bytes, in the largest unit that leaves a whole number before the point. */
export function formatBytes(bytes: number, locale: string): string {
  let value = bytes;
  let step = 0;
  while (value >= 1000 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[step] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value);
}
