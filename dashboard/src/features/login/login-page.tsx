import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { logIn } from '../../api/session';
import { ProblemNotice } from '../../domain/problem-notice';
import { Wordmark } from '../../ui/brand';
import { LanguageSwitch } from '../../ui/language-switch';
import { SchemeSwitch } from '../../ui/scheme-switch';
import { Streams } from './streams';
import classes from './login-page.module.css';

export function LoginPage({ onLoggedIn }: { onLoggedIn: () => Promise<void> }) {
  const { t } = useTranslation();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  useDocumentTitle(`${t('login.title')} · Fluxion Sync`);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(undefined);
    try {
      await logIn(String(form.get('email') ?? '').trim(), String(form.get('password') ?? ''));
      await onLoggedIn();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className={classes.screen}>
      <header className={classes.brand}>
        <Wordmark size={34} />
        <div className={classes.claim}>
          <p className={classes.slogan}>{t('login.slogan')}</p>
          <p className={classes.sub}>{t('login.sub')}</p>
        </div>
        <Streams />
      </header>
      <main className={classes.main}>
        <form className={classes.form} onSubmit={(event) => void submit(event)}>
          <h1 className={classes.title}>{t('login.title')}</h1>
          <TextInput
            name="email"
            type="email"
            label={t('login.email')}
            autoComplete="username"
            required
            withAsterisk={false}
            autoFocus
            size="md"
          />
          <PasswordInput
            name="password"
            label={t('login.password')}
            autoComplete="current-password"
            required
            withAsterisk={false}
            size="md"
            visibilityToggleButtonProps={{ 'aria-label': t('login.showPassword') }}
          />
          {error !== undefined && <ProblemNotice error={error} />}
          <Button type="submit" size="md" loading={busy} fullWidth>
            {t('login.submit')}
          </Button>
          <p className={classes.help}>{t('login.help')}</p>
        </form>
        <div className={classes.switches}>
          <LanguageSwitch />
          <SchemeSwitch />
        </div>
      </main>
    </div>
  );
}
