import { useTranslation } from 'react-i18next';
import type { StoreOverview } from '../../api/types';
import { UpdateProblemDetails, UpdateProblemTitle } from '../../domain/update-problem';
import { useFormat } from '../../format/use-format';
import { useNow } from '../../format/use-now';
import { paths } from '../../paths';
import { Age } from '../../ui/age';
import { Icon } from '../../ui/icon';
import { Panel } from '../../ui/panel';
import { Prose } from '../../ui/prose';
import { TextLink } from '../../ui/text-link';
import { toneIcon } from '../../ui/tone';
import { type Attention, attention } from './attention';
import classes from './attention-list.module.css';

const shownAtMost = 8;

/** What needs a person, what cannot wait first. Nothing when nothing does. */
export function AttentionList({ stores }: { stores: StoreOverview[] }) {
  const { t } = useTranslation();
  const now = useNow();
  const items = attention(stores, now);
  if (items.length === 0) return null;
  return (
    <Panel title={t('attention.title')} flush>
      <ul className={classes.list}>
        {items.slice(0, shownAtMost).map((item) => (
          <Item key={item.key} item={item} />
        ))}
      </ul>
      {items.length > shownAtMost && <p className={classes.more}>{t('attention.more', { count: items.length - shownAtMost })}</p>}
    </Panel>
  );
}

function Item({ item }: { item: Attention }) {
  const { t } = useTranslation();
  const { store, reason, tone } = item;
  return (
    <li className={classes.item} data-tone={tone}>
      <Icon name={reason === 'silent' ? 'silent' : reason === 'never' ? 'plug' : toneIcon[tone]} className={classes.icon} />
      <div className={classes.text}>
        <TextLink to={paths.store} params={{ storeId: store.id }}>
          {store.name}
        </TextLink>{' '}
        <span className={classes.what}>
          <What item={item} />
        </span>
      </div>
      <div className={classes.go}>
        {reason === 'conflicts' && (
          <TextLink to={paths.conflicts} search={{ store: store.id }}>
            {t('attention.seeConflicts')}
          </TextLink>
        )}
        {reason === 'rejects' && (
          <TextLink to={paths.rejects} search={{ store: store.id }}>
            {t('attention.seeRejects')}
          </TextLink>
        )}
        {reason === 'never' && (
          <TextLink to={paths.stores} search={{ enrol: store.id }}>
            {t('attention.getCode')}
          </TextLink>
        )}
        {(reason === 'failing' || reason === 'silent' || reason === 'queue' || reason === 'update') && (
          <TextLink to={paths.store} params={{ storeId: store.id }}>
            {t('attention.seeStore')}
          </TextLink>
        )}
      </div>
    </li>
  );
}

function What({ item: { store, reason } }: { item: Attention }) {
  const { t } = useTranslation();
  const format = useFormat();
  switch (reason) {
    case 'failing':
      return (
        <>
          {store.last_error ? (
            <>
              {[store.last_error.pos_system, store.last_error.stream].filter(Boolean).join(' · ')}
              {store.last_error.stream || store.last_error.pos_system ? ': ' : ''}
              <Prose text={store.last_error.message} />
              {store.last_error.hint && (
                <span className={classes.hint}>
                  <Prose text={store.last_error.hint} />
                </span>
              )}
            </>
          ) : (
            t('attention.failing')
          )}
        </>
      );
    case 'silent':
      return (
        <>
          {t('attention.silent')} {store.last_seen_at && <Age at={store.last_seen_at} />}
          <span className={classes.hint}>{t('attention.silentHint')}</span>
        </>
      );
    case 'queue':
      return (
        <>
          {t('attention.queue', { count: store.queue.batches, size: format.bytes(store.queue.bytes) })}{' '}
          {store.queue.oldest_at && <Age at={store.queue.oldest_at} />}
        </>
      );
    case 'conflicts':
      return t('attention.conflicts', { count: store.conflicts_open, shown: format.count(store.conflicts_open) });
    case 'rejects':
      return t('attention.rejects', { count: store.rejects_open, shown: format.count(store.rejects_open) });
    case 'update':
      return (
        store.update_problem && (
          <>
            <UpdateProblemTitle problem={store.update_problem} />
            <span className={classes.hint}>
              <UpdateProblemDetails problem={store.update_problem} />
            </span>
          </>
        )
      );
    case 'never':
      return t('attention.never');
  }
}
