import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { type JobFilter, jobsQuery } from '../../api/jobs';
import type { JobStatus } from '../../api/types';
import { ProblemNotice } from '../../domain/problem-notice';
import { compact } from '../../domain/search';
import { StoreFilter } from '../../domain/store-filter';
import { Empty } from '../../ui/empty';
import { Choice, Filters } from '../../ui/filters';
import { LoadMore } from '../../ui/load-more';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { JobTable } from './job-table';
import { jobStatuses } from './search';

/** All jobs, newest first. */
export function JobsPage({ filter, onFilter }: { filter: JobFilter; onFilter: (filter: JobFilter) => void }) {
  const { t } = useTranslation();
  const jobs = useInfiniteQuery(jobsQuery(filter));
  const items = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = filter.store !== undefined || filter.status !== undefined;

  return (
    <Page title={t('nav.jobs')} about={t('jobs.about')}>
      <Filters label={t('common.filters')}>
        <Choice<JobStatus | 'all'>
          label={t('jobs.status')}
          value={filter.status ?? 'all'}
          options={[
            { value: 'all', label: t('common.all') },
            ...jobStatuses.map((status) => ({ value: status, label: t(`jobStatus.${status}`) })),
          ]}
          onChange={(status) => onFilter(compact({ ...filter, status: status === 'all' ? undefined : status }))}
        />
        <StoreFilter value={filter.store} onChange={(store) => onFilter(compact({ ...filter, store }))} />
      </Filters>
      {jobs.isError && !jobs.data ? (
        <ProblemNotice error={jobs.error} onRetry={() => void jobs.refetch()} />
      ) : (
        <Panel flush>
          {jobs.data && items.length === 0 ? (
            <Empty icon="jobs" title={filtered ? t('common.nothingFound') : t('jobs.empty')}>
              {filtered ? t('common.nothingFoundHint') : t('jobs.emptyHint')}
            </Empty>
          ) : (
            <JobTable jobs={items} withStore loading={jobs.isPending} />
          )}
          <LoadMore more={jobs.hasNextPage} loading={jobs.isFetchingNextPage} onMore={() => void jobs.fetchNextPage()} />
        </Panel>
      )}
    </Page>
  );
}
