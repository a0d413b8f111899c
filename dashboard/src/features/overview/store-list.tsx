import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { StoreOverview } from '../../api/types';
import { compact } from '../../domain/search';
import { StoreStateBadge } from '../../domain/state-badges';
import { useFormat } from '../../format/use-format';
import { useWord } from '../../i18n/use-word';
import { paths } from '../../paths';
import { Age } from '../../ui/age';
import { type Column, DataTable } from '../../ui/data-table';
import { Empty } from '../../ui/empty';
import { Choice, Filters } from '../../ui/filters';
import { LoadMore } from '../../ui/load-more';
import { Panel } from '../../ui/panel';
import { SearchBox } from '../../ui/search-box';
import { TextLink } from '../../ui/text-link';
import { type OverviewSearch, listedStores } from './search';
import classes from './store-list.module.css';

/** So many are found at a glance, without a search. */
const fewStores = 10;
/** So many lines tick at a time. */
const page = 100;

/** Every store in one line: those that need attention first, as the server orders them. */
export function StoreList({
  stores,
  search,
  onSearch,
}: {
  stores: StoreOverview[];
  search: OverviewSearch;
  onSearch: (search: OverviewSearch) => void;
}) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(page);
  const listed = listedStores(stores, search);
  const format = useFormat();
  const word = useWord();

  const columns: Column<StoreOverview>[] = [
    {
      key: 'store',
      header: t('common.store'),
      lead: true,
      cell: (store) => (
        <div>
          <TextLink to={paths.store} params={{ storeId: store.id }} className={classes.name}>
            {store.name}
          </TextLink>
          <div className={classes.sub}>
            {[store.city, ...store.systems.map((system) => word('system', system, system))].filter(Boolean).join(' · ')}
          </div>
        </div>
      ),
    },
    {
      key: 'state',
      header: t('overview.state'),
      tight: true,
      cell: (store) => (
        <span data-testid="store-state" data-state={store.state}>
          <StoreStateBadge state={store.state} />
        </span>
      ),
    },
    {
      key: 'last',
      header: t('overview.lastSync'),
      cell: (store) => (store.last_sync_at ? <Age at={store.last_sync_at} /> : <Zero>{t('common.never')}</Zero>),
    },
    {
      key: 'streams',
      header: t('overview.streams'),
      quiet: (store) => store.streams.total === 0,
      // What is known of a silent store is old news.
      cell: (store) => <Streams streams={store.streams} old={store.state === 'silent'} />,
    },
    {
      key: 'queue',
      header: t('overview.queue'),
      numeric: true,
      quiet: (store) => store.queue.batches === 0,
      cell: (store) =>
        store.queue.batches === 0 ? (
          <Zero>0</Zero>
        ) : (
          <span>
            {format.count(store.queue.batches)} <span className={classes.sub}>{format.bytes(store.queue.bytes)}</span>
          </span>
        ),
    },
    {
      key: 'rejects',
      header: t('nav.rejects'),
      numeric: true,
      quiet: (store) => store.rejects_open === 0,
      cell: (store) =>
        store.rejects_open === 0 ? (
          <Zero>0</Zero>
        ) : (
          <TextLink to={paths.rejects} search={{ store: store.id }}>
            {format.count(store.rejects_open)}
          </TextLink>
        ),
    },
    {
      key: 'conflicts',
      header: t('nav.conflicts'),
      numeric: true,
      quiet: (store) => store.conflicts_open === 0,
      cell: (store) =>
        store.conflicts_open === 0 ? (
          <Zero>0</Zero>
        ) : (
          <TextLink to={paths.conflicts} search={{ store: store.id }}>
            {format.count(store.conflicts_open)}
          </TextLink>
        ),
    },
  ];

  return (
    <Panel title={t('nav.stores')} flush>
      {stores.length > fewStores && (
        <div className={classes.filters}>
          <Filters label={t('common.filters')}>
            <SearchBox
              label={t('overview.search')}
              placeholder={t('overview.searchHint')}
              value={search.search ?? ''}
              onChange={(text) => onSearch(compact({ ...search, search: text === '' ? undefined : text }))}
            />
            <Choice
              label={t('overview.state')}
              value={search.show ?? 'all'}
              options={[
                { value: 'all', label: t('overview.showAll') },
                { value: 'attention', label: t('overview.showAttention') },
              ]}
              onChange={(show) => onSearch(compact({ ...search, show: show === 'all' ? undefined : show }))}
            />
          </Filters>
        </div>
      )}
      {listed.length === 0 ? (
        <Empty icon="store" title={t('common.nothingFound')}>
          {t('common.nothingFoundHint')}
        </Empty>
      ) : (
        <DataTable label={t('nav.stores')} columns={columns} rows={listed.slice(0, shown)} rowKey={(store) => store.id} />
      )}
      <LoadMore more={listed.length > shown} loading={false} onMore={() => setShown(shown + page)} />
    </Panel>
  );
}

function Zero({ children }: { children: string }) {
  return <span className={classes.zero}>{children}</span>;
}

/** One small square a stream, and how many of how many are up to date. */
function Streams({ streams, old }: { streams: StoreOverview['streams']; old: boolean }) {
  const { t } = useTranslation();
  if (streams.total === 0) return <Zero>—</Zero>;
  const squares = [
    ...Array<string>(streams.halted).fill('bad'),
    ...Array<string>(streams.retrying).fill('warn'),
    ...Array<string>(streams.syncing).fill('busy'),
    ...Array<string>(streams.ok).fill('ok'),
  ];
  return (
    <span className={classes.streams} data-old={old || undefined}>
      <span className={classes.squares} aria-hidden="true">
        {squares.slice(0, 14).map((tone, index) => (
          <i key={index} data-tone={tone} />
        ))}
      </span>
      <span>{t('overview.streamsOk', { ok: streams.ok, total: streams.total })}</span>
    </span>
  );
}
