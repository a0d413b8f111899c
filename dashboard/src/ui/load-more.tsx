import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** The next page of a list, appended. */
export function LoadMore({ more, loading, onMore }: { more: boolean; loading: boolean; onMore: () => void }) {
  const { t } = useTranslation();
  if (!more) return null;
  return (
    <div style={{ display: 'flex', justifyContent: 'center', padding: 14, borderTop: '1px solid var(--fx-line)' }}>
      <Button variant="default" onClick={onMore} loading={loading}>
        {t('common.loadMore')}
      </Button>
    </div>
  );
}
