import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Problem } from '../api/problem';
import { useWord } from '../i18n/use-word';
import { Notice } from '../ui/notice';

/** What a person is told about a failed request: by its code in the reader's language, else as the server says it. */
export function useProblemText(): (error: unknown) => { title: string; detail: string } {
  const { t } = useTranslation();
  const word = useWord();
  return (error) => {
    if (!(error instanceof Problem)) {
      return { title: word('problemTitle', 'unknown'), detail: error instanceof Error ? error.message : '' };
    }
    const request = error.code === 'internal' && error.requestId ? ` ${t('problem.request', { id: error.requestId })}` : '';
    return {
      title: word('problemTitle', error.code, error.title || word('problemTitle', 'unknown')),
      detail: word('problemHint', error.code, error.detail) + request,
    };
  };
}

/** A failed request in the place of what it should have shown. */
export function ProblemNotice({
  error,
  onRetry,
  conflict,
}: {
  error: unknown;
  onRetry?: () => void;
  /** What a contradiction means here, in the reader's language. */
  conflict?: string;
}) {
  const { t } = useTranslation();
  const { title, detail } = useProblemText()(error);
  const contradicts = error instanceof Problem && error.code === 'conflict';
  return (
    <Notice
      tone="bad"
      title={title}
      live
      action={
        onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t('common.retry')}
          </Button>
        )
      }
    >
      {contradicts && conflict ? conflict : detail}
    </Notice>
  );
}
