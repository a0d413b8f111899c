import { useTranslation } from 'react-i18next';
import { useUnreachable } from '../../api/reachability';
import { useFormat } from '../../format/use-format';
import { Notice } from '../../ui/notice';
import classes from './shell.module.css';

/** Says that ingest does not answer, and from when the figures are. */
export function OfflineBanner() {
  const { t } = useTranslation();
  const format = useFormat();
  const away = useUnreachable();
  return (
    <div aria-live="assertive">
      {away && (
        <div className={classes.banner}>
          <Notice tone="bad" title={t('offline.title')}>
            {away.lastAnswer === null
              ? t('offline.never')
              : t('offline.since', { moment: format.moment(new Date(away.lastAnswer).toISOString()) })}
          </Notice>
        </div>
      )}
    </div>
  );
}
