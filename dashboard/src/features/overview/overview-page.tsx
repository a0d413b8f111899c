import { useQuery } from '@tanstack/react-query';
import { Button, Skeleton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { overviewQuery } from '../../api/overview';
import { ProblemNotice } from '../../domain/problem-notice';
import { paths } from '../../paths';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { AttentionList } from './attention-list';
import { Figures } from './figures';
import { HeadlineBand } from './headline-band';
import classes from './overview-page.module.css';
import type { OverviewSearch } from './search';
import { StoreList } from './store-list';

/** The fleet at a glance. */
export function OverviewPage({
  search,
  onSearch,
}: {
  search: OverviewSearch;
  onSearch: (search: OverviewSearch) => void;
}) {
  const { t } = useTranslation();
  const overview = useQuery(overviewQuery);
  const data = overview.data;
  return (
    <Page title={t('overview.title')} about={data?.tenant_name}>
      {overview.isError && !data && <ProblemNotice error={overview.error} onRetry={() => void overview.refetch()} />}
      {overview.isPending && <OverviewSkeleton />}
      {data && data.stores.length === 0 && (
        <Panel>
          <Empty
            icon="store"
            title={t('overview.emptyTitle')}
            action={
              <Button
                leftSection={<Icon name="plus" size={16} />}
                renderRoot={(props) => <Link to={paths.stores} search={{ create: true }} {...props} />}
              >
                {t('overview.emptyAction')}
              </Button>
            }
          >
            {t('overview.emptyText')}
          </Empty>
        </Panel>
      )}
      {data && data.stores.length > 0 && (
        <div className={classes.stack}>
          <HeadlineBand stores={data.stores} />
          <Figures metrics={data.metrics} />
          <AttentionList stores={data.stores} />
          <StoreList stores={data.stores} search={search} onSearch={onSearch} />
        </div>
      )}
    </Page>
  );
}

function OverviewSkeleton() {
  return (
    <div className={classes.stack} aria-busy="true">
      <Skeleton height={92} radius="md" />
      <Skeleton height={84} radius="md" />
      <Skeleton height={260} radius="md" />
    </div>
  );
}
