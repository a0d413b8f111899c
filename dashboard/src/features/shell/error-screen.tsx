import { Button, Group } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '../../api/problem';
import { useProblemText } from '../../domain/problem-notice';
import { Notice } from '../../ui/notice';
import { Wordmark } from '../../ui/brand';

/** What stands in the place of a page that could not be shown. It tries again by itself when ingest was not there. */
export function ErrorScreen({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  const router = useRouter();
  const away = error instanceof Problem && error.unreachable;
  const { title, detail } = useProblemText()(error);

  useEffect(() => {
    if (!away) return;
    const timer = setTimeout(() => void router.invalidate(), 4_000);
    return () => clearTimeout(timer);
  });

  return (
    <div style={{ maxWidth: 560, margin: '12vh auto 0', padding: 20 }}>
      <Wordmark />
      <div style={{ height: 24 }} />
      <Notice tone="bad" title={away ? title : t('errorScreen.title')} live>
        {away ? detail : t('errorScreen.hint')}
        {!away && <pre style={{ whiteSpace: 'pre-wrap', fontSize: '0.78rem', marginBottom: 0 }}>{error instanceof Error ? error.message : String(error)}</pre>}
      </Notice>
      <Group mt="md">
        <Button
          onClick={() => {
            reset();
            void router.invalidate();
          }}
        >
          {t('common.retry')}
        </Button>
        <Button variant="default" component="a" href="/">
          {t('notFound.home')}
        </Button>
      </Group>
    </div>
  );
}
