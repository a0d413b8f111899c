import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';

/** Translates words that come from the server (states, rules, kinds), and falls back for those a newer server knows. */
export function useWord(): (group: string, word: string, fallback?: string) => string {
  const { t, i18n } = useTranslation();
  return useCallback(
    (group, word, fallback) => {
      const key = `${group}.${word}`;
      return i18n.exists(key) ? (t as (key: string) => string)(key) : (fallback ?? word.replaceAll('_', ' '));
    },
    [t, i18n],
  );
}
