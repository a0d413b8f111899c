const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** How long ago, coarse enough to read at a glance. A clock that runs ahead counts as now. */
export function formatAge(at: string, now: number, locale: string): string {
  const age = Math.max(0, now - Date.parse(at));
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'always', style: 'narrow' });
  if (age < minute) return words.format(-Math.floor(age / second), 'second');
  if (age < hour) return words.format(-Math.floor(age / minute), 'minute');
  if (age < 2 * day) return words.format(-Math.floor(age / hour), 'hour');
  return words.format(-Math.floor(age / day), 'day');
}

function unit(value: number, name: string, locale: string, digits = 0): string {
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: name,
    unitDisplay: 'short',
    maximumFractionDigits: digits,
  }).format(value);
}

/** A duration in its largest two units. */
export function formatDuration(milliseconds: number, locale: string): string {
  const length = Math.max(0, milliseconds);
  if (length < second) return unit(Math.round(length), 'millisecond', locale);
  if (length < minute) return unit(length / second, 'second', locale, length < 10 * second ? 1 : 0);
  if (length < hour) {
    const seconds = Math.floor((length % minute) / second);
    const minutes = unit(Math.floor(length / minute), 'minute', locale);
    return seconds === 0 ? minutes : `${minutes} ${unit(seconds, 'second', locale)}`;
  }
  const minutes = Math.floor((length % hour) / minute);
  const hours = unit(Math.floor(length / hour), 'hour', locale);
  return minutes === 0 ? hours : `${hours} ${unit(minutes, 'minute', locale)}`;
}

/** Date and time in the reader's zone, to the second. */
export function formatMoment(at: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(at));
}

/** Date and time as short as a table cell needs; the year only when it is another one. */
export function formatShortMoment(at: string, now: number, locale: string): string {
  const date = new Date(at);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? {} : { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
  }).format(date);
}
