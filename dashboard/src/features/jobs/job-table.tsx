import { useTranslation } from 'react-i18next';
import type { Job } from '../../api/types';
import { JobStatusBadge } from '../../domain/state-badges';
import { useFormat } from '../../format/use-format';
import { useNow } from '../../format/use-now';
import { useWord } from '../../i18n/use-word';
import { paths } from '../../paths';
import { type Column, DataTable } from '../../ui/data-table';
import { Prose } from '../../ui/prose';
import { TextLink } from '../../ui/text-link';
import classes from './job-table.module.css';

const counted = [
  { key: 'rows_read', word: 'jobs.read' },
  { key: 'records_sent', word: 'jobs.sent' },
  { key: 'records_unchanged', word: 'jobs.unchanged' },
  { key: 'deletes_sent', word: 'jobs.deleted' },
  { key: 'rejected', word: 'jobs.rejected' },
] as const;

/** Jobs, each with what it did, and why it failed where it did. */
export function JobTable({ jobs, withStore, loading }: { jobs: Job[]; withStore: boolean; loading?: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const word = useWord();
  const now = useNow();

  const columns: Column<Job>[] = [
    {
      key: 'stream',
      header: t('jobs.stream'),
      lead: true,
      cell: (job) => (
        <div>
          <span className={classes.stream}>{word('stream', job.stream, job.stream)}</span>
          <div className={classes.sub}>
            {withStore && (
              <>
                <TextLink to={paths.store} params={{ storeId: job.store_id }}>
                  {job.store_name}
                </TextLink>{' '}
                ·{' '}
              </>
            )}
            {job.pos_system}
          </div>
        </div>
      ),
    },
    { key: 'status', header: t('jobs.status'), tight: true, cell: (job) => <JobStatusBadge status={job.status} /> },
    { key: 'kind', header: t('jobs.kind'), cell: (job) => word('jobKind', job.kind) },
    {
      key: 'started',
      header: t('jobs.started'),
      cell: (job) => (
        <time dateTime={job.started_at} title={format.moment(job.started_at)} className={classes.moment}>
          {format.shortMoment(job.started_at, now)}
        </time>
      ),
    },
    {
      key: 'duration',
      header: t('jobs.duration'),
      numeric: true,
      cell: (job) =>
        job.duration != null
          ? format.duration(job.duration * 1000)
          : job.status === 'running'
            ? format.duration(now - Date.parse(job.started_at))
            : '—',
    },
    ...counted.map(
      ({ key, word }): Column<Job> => ({
        key,
        header: t(word),
        numeric: true,
        quiet: (job) => !job.counts[key],
        cell: (job) => (
          <span className={job.counts[key] ? undefined : classes.zero}>{format.count(job.counts[key] ?? 0)}</span>
        ),
      }),
    ),
  ];

  return (
    <DataTable
      label={t('nav.jobs')}
      columns={columns}
      rows={jobs}
      rowKey={(job) => job.id}
      loading={loading}
      below={(job) =>
        job.error && (
          <p className={classes.error}>
            {word('jobError', job.error.code, '') !== '' && <b>{word('jobError', job.error.code)} </b>}
            <Prose text={job.error.message} />{' '}
            {job.error.hint && (
              <span className={classes.hint}>
                <Prose text={job.error.hint} />
              </span>
            )}
          </p>
        )
      }
    />
  );
}
