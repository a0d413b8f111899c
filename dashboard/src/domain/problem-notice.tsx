import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Problem } from '../api/problem';
import { Notice } from '../ui/notice';

/** What a person is told about a failed request. */
export function useProblemText(): (error: unknown) => { title: string; detail: string } {
  const { t } = useTranslation();
  return (error) => {
    if (error instanceof Problem) {
      if (error.unreachable) return { title: t('problem.unreachable'), detail: t('problem.unreachableHint') };
      if (error.status === 403) return { title: t('problem.forbidden'), detail: t('problem.forbiddenHint') };
      if (error.status === 404) return { title: t('problem.notFound'), detail: t('problem.notFoundHint') };
      return { title: error.title || t('problem.unknown'), detail: error.detail };
    }
    return { title: t('problem.unknown'), detail: error instanceof Error ? error.message : '' };
  };
}

/** A failed request in the place of what it should have shown. */
export function ProblemNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const { title, detail } = useProblemText()(error);
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
      {detail}
    </Notice>
  );
}
