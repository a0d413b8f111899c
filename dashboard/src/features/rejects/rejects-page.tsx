import { Skeleton } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { type RejectFilter, rejectsQuery } from '../../api/rejects';
import type { RejectStatus } from '../../api/types';
import { ProblemNotice } from '../../domain/problem-notice';
import { compact } from '../../domain/search';
import { StoreFilter } from '../../domain/store-filter';
import { Empty } from '../../ui/empty';
import { Choice, Filters } from '../../ui/filters';
import { LoadMore } from '../../ui/load-more';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { RejectList } from './reject-list';
import { rejectStatuses } from './search';

/** Rows that were set aside, in all stores. */
export function RejectsPage({ filter, onFilter }: { filter: RejectFilter; onFilter: (filter: RejectFilter) => void }) {
  const { t } = useTranslation();
  const rejects = useInfiniteQuery(rejectsQuery(filter));
  const items = rejects.data?.pages.flatMap((page) => page.items) ?? [];
  const open = (filter.status ?? 'open') === 'open';

  return (
    <Page title={t('nav.rejects')} about={t('rejects.about')}>
      <Filters label={t('common.filters')}>
        <Choice<RejectStatus>
          label={t('rejects.status')}
          value={filter.status ?? 'open'}
          options={rejectStatuses.map((status) => ({ value: status, label: t(`rejectStatus.${status}`) }))}
          onChange={(status) => onFilter(compact({ ...filter, status: status === 'open' ? undefined : status }))}
        />
        <StoreFilter value={filter.store} onChange={(store) => onFilter(compact({ ...filter, store }))} />
      </Filters>
      {rejects.isError && !rejects.data ? (
        <ProblemNotice error={rejects.error} onRetry={() => void rejects.refetch()} />
      ) : (
        <Panel flush>
          {rejects.isPending && <Skeleton height={200} radius={0} />}
          {rejects.data && items.length === 0 && (
            <Empty icon={open ? 'checkCircle' : 'reject'} title={open ? t('rejects.empty') : t('common.nothingFound')}>
              {open ? t('rejects.emptyHint') : t('common.nothingFoundHint')}
            </Empty>
          )}
          {items.length > 0 && <RejectList rejects={items} withStore />}
          <LoadMore
            more={rejects.hasNextPage}
            loading={rejects.isFetchingNextPage}
            onMore={() => void rejects.fetchNextPage()}
          />
        </Panel>
      )}
    </Page>
  );
}
