import { useTranslation } from 'react-i18next';
import type { Stream } from '../../api/types';
import { PhaseBadge } from '../../domain/state-badges';
import { useFormat } from '../../format/use-format';
import { useWord } from '../../i18n/use-word';
import { Age } from '../../ui/age';
import { type Column, DataTable } from '../../ui/data-table';
import { Prose } from '../../ui/prose';
import classes from './store-page.module.css';

/** Each stream: what it is doing, when it last succeeded, and what stops it. */
export function StreamTable({ streams }: { streams: Stream[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const word = useWord();
  const columns: Column<Stream>[] = [
    {
      key: 'stream',
      header: t('jobs.stream'),
      lead: true,
      cell: (stream) => (
        <div>
          <span className={classes.stream}>{word('stream', stream.stream, stream.stream)}</span>
          <div className={classes.sub}>
            {stream.pos_system} · {stream.stream}
          </div>
        </div>
      ),
    },
    { key: 'phase', header: t('store.phase'), tight: true, cell: (stream) => <PhaseBadge phase={stream.phase} /> },
    {
      key: 'success',
      header: t('store.lastSuccess'),
      cell: (stream) => (stream.last_success_at ? <Age at={stream.last_success_at} /> : t('common.never')),
    },
    { key: 'rows', header: t('store.rowsRead'), numeric: true, cell: (stream) => format.count(stream.rows_read) },
  ];
  return (
    <DataTable
      label={t('store.streams')}
      columns={columns}
      rows={streams}
      rowKey={(stream) => `${stream.pos_system} ${stream.stream}`}
      below={(stream) => stream.last_error && <p className={classes.error}><Prose text={stream.last_error} /></p>}
    />
  );
}
