import { useTranslation } from 'react-i18next';
import { type Language, languages } from '../i18n/language';
import { switchLanguage } from '../i18n/setup';
import classes from './switches.module.css';

const names: Record<Language, string> = { es: 'Español', en: 'English' };

export function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  return (
    <div className={classes.group} role="group" aria-label={t('shell.language')}>
      {languages.map((language) => (
        <button
          key={language}
          type="button"
          lang={language}
          title={names[language]}
          aria-label={`${language.toUpperCase()} ${names[language]}`}
          aria-pressed={i18n.language === language}
          className={classes.button}
          onClick={() => switchLanguage(language)}
        >
          {language.toUpperCase()}
        </button>
      ))}
    </div>
  );
}
