/** The languages of the dashboard. */
export const languages = ['es', 'en'] as const;
export type Language = (typeof languages)[number];

function isLanguage(text: string): text is Language {
  return (languages as readonly string[]).includes(text);
}

/** The remembered language, else the first of the browser's that we speak, else Spanish: most stores are in Latin America. */
export function chooseLanguage(remembered: string | null, browser: readonly string[]): Language {
  if (remembered !== null && isLanguage(remembered)) return remembered;
  for (const tag of browser) {
    const base = tag.split('-')[0]?.toLowerCase() ?? '';
    if (isLanguage(base)) return base;
  }
  return 'es';
}

/** The locale for numbers and dates: the browser's own region where it speaks the language, else a usual one. */
export function chooseLocale(language: Language, browser: readonly string[]): string {
  const own = browser.find((tag) => tag.toLowerCase().startsWith(`${language}-`) && !tag.endsWith('-419'));
  return own ?? (language === 'es' ? 'es-VE' : 'en-US');
}
