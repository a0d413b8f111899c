import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Language, chooseLocale } from '../i18n/language';
import { formatMoney, formatQuantity } from './decimal';
import { formatBytes, formatCount, formatShare, formatShort } from './number';
import { formatAge, formatDuration, formatMoment, formatShortMoment } from './time';

/** The formatting functions, bound to the reader's locale. */
export function useFormat() {
  const { i18n } = useTranslation();
  const locale = chooseLocale(i18n.language as Language, navigator.languages);
  return useMemo(
    () => ({
      locale,
      money: (amount: string, currency: string) => formatMoney(amount, currency, locale),
      quantity: (quantity: string) => formatQuantity(quantity, locale),
      count: (count: number) => formatCount(count, locale),
      short: (count: number) => formatShort(count, locale),
      share: (share: number) => formatShare(share, locale),
      bytes: (bytes: number) => formatBytes(bytes, locale),
      age: (at: string, now: number) => formatAge(at, now, locale),
      duration: (milliseconds: number) => formatDuration(milliseconds, locale),
      moment: (at: string) => formatMoment(at, locale),
      shortMoment: (at: string, now: number) => formatShortMoment(at, now, locale),
    }),
    [locale],
  );
}
