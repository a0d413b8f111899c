import { useTranslation } from 'react-i18next';
import { useUnreachable } from '../../api/reachability';
import type { StoreOverview, StoreState } from '../../api/types';
import { storeLook } from '../../domain/states';
import { useWord } from '../../i18n/use-word';
import { Icon } from '../../ui/icon';
import { toneIcon } from '../../ui/tone';
import classes from './headline-band.module.css';
import { countStates, headline } from './headline';

const order: readonly StoreState[] = ['ok', 'syncing', 'warning', 'silent', 'failing', 'never'];

/** Are all stores in sync? In one sentence, and in one bar of how many are how. */
export function HeadlineBand({ stores }: { stores: StoreOverview[] }) {
  const { t } = useTranslation();
  const word = useWord();
  const { tone, key, count, total } = headline(stores, useUnreachable() === null ? 'answers' : 'away');
  const counts = countStates(stores);
  // The data is as it should be; that an agent left a newer version is told below.
  const updates = stores.some((store) => store.update_problem);
  const present = order.filter((state) => counts[state] > 0);
  return (
    <section className={classes.band} data-tone={tone} data-testid="headline">
      <span className={classes.icon}>
        <Icon name={toneIcon[tone]} size={30} />
      </span>
      <div className={classes.words} aria-live="polite">
        <p className={classes.sentence}>{t(`headline.${key}`, { count, total })}</p>
        <p className={classes.hint}>{t(`headlineHint.${key === 'all' && updates ? 'allButUpdates' : key}`)}</p>
      </div>
      <div className={classes.share}>
        <div className={classes.bar} aria-hidden="true">
          {present.map((state) => (
            <span key={state} data-tone={storeLook[state].tone} style={{ flexGrow: counts[state] }} />
          ))}
        </div>
        <ul className={classes.legend}>
          {present.map((state) => (
            <li key={state}>
              <b>{counts[state]}</b> {word('storeState', state).toLowerCase()}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
