import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { overviewQuery } from '../../api/overview';
import { storesQuery } from '../../api/stores';
import type { Store } from '../../api/types';
import { ProblemNotice } from '../../domain/problem-notice';
import { useMay } from '../../domain/roles';
import { StoreStateBadge } from '../../domain/state-badges';
import { useFormat } from '../../format/use-format';
import { useNow } from '../../format/use-now';
import { paths } from '../../paths';
import { Age } from '../../ui/age';
import { type Column, DataTable } from '../../ui/data-table';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { TextLink } from '../../ui/text-link';
import { CreateStore } from './create-store';
import { EnrolDialog } from './enrol-dialog';
import type { StoresSearch } from './search';

/** All stores; new ones are added here, and their agents get their codes here. */
export function StoresPage({ search, onSearch }: { search: StoresSearch; onSearch: (search: StoresSearch) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow();
  const admin = useMay('admin');
  const stores = useQuery(storesQuery);
  const overview = useQuery(overviewQuery);
  const health = new Map(overview.data?.stores.map((store) => [store.id, store]));
  const items = stores.data?.items ?? [];
  const enrolling = items.find((store) => store.id === search.enrol);

  const columns: Column<Store>[] = [
    {
      key: 'name',
      header: t('common.store'),
      lead: true,
      cell: (store) => (
        <TextLink to={paths.store} params={{ storeId: store.id }}>
          {store.name}
        </TextLink>
      ),
    },
    { key: 'city', header: t('stores.city'), cell: (store) => store.city ?? '—' },
    {
      key: 'state',
      header: t('overview.state'),
      tight: true,
      cell: (store) => {
        const state = health.get(store.id)?.state;
        return state ? <StoreStateBadge state={state} /> : '—';
      },
    },
    {
      key: 'last',
      header: t('overview.lastSync'),
      cell: (store) => {
        const at = health.get(store.id)?.last_sync_at;
        return at ? <Age at={at} /> : t('common.never');
      },
    },
    { key: 'created', header: t('stores.created'), cell: (store) => format.shortMoment(store.created_at, now) },
  ];
  if (admin) {
    columns.push({
      key: 'code',
      header: t('enrol.column'),
      tight: true,
      cell: (store) => (
        <Button size="xs" variant="default" onClick={() => onSearch({ enrol: store.id })}>
          {t('enrol.get')}
        </Button>
      ),
    });
  }

  return (
    <Page
      title={t('nav.stores')}
      about={t('stores.about')}
      actions={
        admin && (
          <Button leftSection={<Icon name="plus" size={16} />} onClick={() => onSearch({ create: true })}>
            {t('stores.create')}
          </Button>
        )
      }
    >
      {stores.isError && !stores.data ? (
        <ProblemNotice error={stores.error} onRetry={() => void stores.refetch()} />
      ) : (
        <Panel flush>
          {stores.data && items.length === 0 ? (
            <Empty
              icon="store"
              title={t('overview.emptyTitle')}
              action={
                admin && (
                  <Button leftSection={<Icon name="plus" size={16} />} onClick={() => onSearch({ create: true })}>
                    {t('overview.emptyAction')}
                  </Button>
                )
              }
            >
              {t('overview.emptyText')}
            </Empty>
          ) : (
            <DataTable
              label={t('nav.stores')}
              columns={columns}
              rows={items}
              rowKey={(store) => store.id}
              loading={stores.isPending}
            />
          )}
        </Panel>
      )}
      <CreateStore
        opened={search.create === true}
        onClose={() => onSearch({})}
        onCreated={(store) => onSearch({ enrol: store.id })}
      />
      <EnrolDialog store={enrolling} onClose={() => onSearch({})} />
    </Page>
  );
}
