import { useTranslation } from 'react-i18next';
import type { Metrics as MetricsData } from '../../api/types';
import { useFormat } from '../../format/use-format';
import { paths } from '../../paths';
import { Metric, Metrics } from '../../ui/metric';
import { TextLink } from '../../ui/text-link';

const none = '—';

/** The figures over all stores. */
export function Figures({ metrics }: { metrics: MetricsData }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data_volume_today: volume } = metrics;
  return (
    <Metrics label={t('metrics.title')}>
      <Metric name={t('metrics.posSystems')} value={format.count(metrics.pos_systems_active)} />
      <Metric
        name={t('metrics.jobsToday')}
        value={<TextLink to={paths.jobs}>{format.count(metrics.sync_jobs_today)}</TextLink>}
      />
      <Metric
        name={t('metrics.successRate')}
        value={metrics.sync_success_rate == null ? none : format.share(metrics.sync_success_rate)}
      />
      <Metric
        name={t('metrics.avgDuration')}
        value={metrics.avg_sync_duration == null ? none : format.duration(metrics.avg_sync_duration * 1000)}
      />
      <Metric
        name={t('metrics.conflicts')}
        value={<TextLink to={paths.conflicts}>{format.count(metrics.conflicts_unresolved)}</TextLink>}
      />
      <Metric name={t('metrics.products')} value={format.short(volume.products)} />
      <Metric name={t('metrics.sales')} value={format.short(volume.sales)} />
      <Metric name={t('metrics.movements')} value={format.short(volume.movements)} />
    </Metrics>
  );
}
