import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { type ConflictFilter, conflictsQuery } from '../../api/conflicts';
import type { Conflict, ConflictStatus } from '../../api/types';
import { ProblemNotice } from '../../domain/problem-notice';
import { compact } from '../../domain/search';
import { ConflictStatusBadge } from '../../domain/state-badges';
import { StoreFilter } from '../../domain/store-filter';
import { useFormat } from '../../format/use-format';
import { useWord } from '../../i18n/use-word';
import { paths } from '../../paths';
import { Age } from '../../ui/age';
import { type Column, DataTable } from '../../ui/data-table';
import { Empty } from '../../ui/empty';
import { Choice, Filters } from '../../ui/filters';
import { LoadMore } from '../../ui/load-more';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { TextLink } from '../../ui/text-link';
import classes from './conflicts.module.css';
import { byMoney } from './order';
import { conflictStatuses } from './search';
import { subject } from './subject';

/** The queue of conflicts, the dearest first. */
export function ConflictsPage({
  filter,
  onFilter,
}: {
  filter: ConflictFilter;
  onFilter: (filter: ConflictFilter) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const word = useWord();
  const conflicts = useInfiniteQuery(conflictsQuery(filter));
  const items = (conflicts.data?.pages.flatMap((page) => page.items) ?? []).sort(byMoney);
  const open = (filter.status ?? 'open') === 'open';

  const columns: Column<Conflict>[] = [
    {
      key: 'subject',
      header: t('conflicts.about'),
      lead: true,
      cell: (conflict) => {
        const { name, sku } = subject(conflict);
        return (
          <div>
            <TextLink to={paths.conflict} params={{ conflictId: conflict.id }}>
              {name ?? word('entity', conflict.entity)}
            </TextLink>
            {sku && <div className={classes.sku}>{sku}</div>}
          </div>
        );
      },
    },
    { key: 'kind', header: t('conflicts.kind'), cell: (conflict) => word('conflictKind', conflict.kind) },
    {
      key: 'store',
      header: t('common.store'),
      cell: (conflict) => (
        <TextLink to={paths.store} params={{ storeId: conflict.store_id }}>
          {conflict.store_name}
        </TextLink>
      ),
    },
    {
      key: 'money',
      header: t('conflicts.money'),
      numeric: true,
      cell: (conflict) =>
        conflict.money_impact != null && conflict.currency ? format.money(conflict.money_impact, conflict.currency) : '—',
    },
    { key: 'age', header: t('conflicts.found'), cell: (conflict) => <Age at={conflict.created_at} /> },
    {
      key: 'status',
      header: t('jobs.status'),
      tight: true,
      cell: (conflict) => (
        <span className={classes.status}>
          <ConflictStatusBadge status={conflict.status} />
          {conflict.strategy && <span className={classes.sub}>{word('strategy', conflict.strategy)}</span>}
        </span>
      ),
    },
  ];

  return (
    <Page title={t('nav.conflicts')} about={t('conflicts.intro')}>
      <Filters label={t('common.filters')}>
        <Choice<ConflictStatus>
          label={t('jobs.status')}
          value={filter.status ?? 'open'}
          options={conflictStatuses.map((status) => ({ value: status, label: t(`conflictStatus.${status}`) }))}
          onChange={(status) => onFilter(compact({ ...filter, status: status === 'open' ? undefined : status }))}
        />
        <StoreFilter value={filter.store} onChange={(store) => onFilter(compact({ ...filter, store }))} />
      </Filters>
      {conflicts.isError && !conflicts.data ? (
        <ProblemNotice error={conflicts.error} onRetry={() => void conflicts.refetch()} />
      ) : (
        <Panel flush>
          {conflicts.data && items.length === 0 ? (
            <Empty icon={open ? 'checkCircle' : 'conflict'} title={open ? t('conflicts.empty') : t('common.nothingFound')}>
              {open ? t('conflicts.emptyHint') : t('common.nothingFoundHint')}
            </Empty>
          ) : (
            <DataTable
              label={t('nav.conflicts')}
              columns={columns}
              rows={items}
              rowKey={(conflict) => conflict.id}
              loading={conflicts.isPending}
            />
          )}
          <LoadMore
            more={conflicts.hasNextPage}
            loading={conflicts.isFetchingNextPage}
            onMore={() => void conflicts.fetchNextPage()}
          />
        </Panel>
      )}
    </Page>
  );
}
