import { useTranslation } from 'react-i18next';
import type { StoreOverview } from '../../api/types';
import { StoreStateBadge } from '../../domain/state-badges';
import { useFormat } from '../../format/use-format';
import { useWord } from '../../i18n/use-word';
import { paths } from '../../paths';
import { Age } from '../../ui/age';
import { type Column, DataTable } from '../../ui/data-table';
import { Panel } from '../../ui/panel';
import { TextLink } from '../../ui/text-link';
import classes from './store-list.module.css';

/** Every store in one line: those that need attention first, as the server orders them. */
export function StoreList({ stores }: { stores: StoreOverview[] }) {
  const { t } = useTranslation();
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
      <DataTable label={t('nav.stores')} columns={columns} rows={stores} rowKey={(store) => store.id} />
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
