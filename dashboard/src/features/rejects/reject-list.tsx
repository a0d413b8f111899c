import { Button, Collapse } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { dismissReject, replayReject } from '../../api/rejects';
import type { Reject } from '../../api/types';
import { useMay } from '../../domain/roles';
import { RejectStatusBadge } from '../../domain/state-badges';
import { useAction } from '../../domain/use-action';
import { useWord } from '../../i18n/use-word';
import { paths } from '../../paths';
import { Age } from '../../ui/age';
import { Icon } from '../../ui/icon';
import { Prose } from '../../ui/prose';
import { TextLink } from '../../ui/text-link';
import classes from './reject-list.module.css';

/** Rows set aside: what is wrong with each, the row as it stands at the source, and what can be done. */
export function RejectList({ rejects, withStore }: { rejects: Reject[]; withStore: boolean }) {
  return (
    <ul className={classes.list}>
      {rejects.map((reject) => (
        <RejectItem key={reject.id} reject={reject} withStore={withStore} />
      ))}
    </ul>
  );
}

function RejectItem({ reject, withStore }: { reject: Reject; withStore: boolean }) {
  const { t } = useTranslation();
  const word = useWord();
  const [opened, setOpened] = useState(false);
  const operator = useMay('operator');
  const stale = [['rejects'], ['overview'], ['store', reject.store_id]];
  const replay = useAction({ act: () => replayReject(reject.id), done: () => t('rejects.replayed'), stale });
  const dismiss = useAction({ act: () => dismissReject(reject.id), done: () => t('rejects.dismissed'), stale });
  const columns = Object.entries(reject.row);
  // The rule in the reader's language; the message of the agent, in English, where the rule is new to us.
  const rule = word('rule', reject.rule, '');

  return (
    <li className={classes.item}>
      <div className={classes.head}>
        <div className={classes.what}>
          <div className={classes.title}>
            {rule || <Prose text={reject.message} />}
            {reject.status !== 'open' && <RejectStatusBadge status={reject.status} />}
          </div>
          <div className={classes.value}>
            {reject.field && (
              <span>
                {t('rejects.field')} <b>{word('field', reject.field, reject.field)}</b>
              </span>
            )}
            {reject.raw != null && (
              <span>
                {t('rejects.raw')} <code className={classes.raw}>{reject.raw === '' ? t('rejects.emptyValue') : reject.raw}</code>
              </span>
            )}
          </div>
          {rule && <div className={classes.message}>
              <Prose text={reject.message} />
            </div>}
          <div className={classes.where}>
            {withStore && (
              <TextLink to={paths.store} params={{ storeId: reject.store_id }}>
                {reject.store_name}
              </TextLink>
            )}
            <span>
              {reject.pos_system} · {word('stream', reject.stream, reject.stream)}
            </span>
            <span>
              {reject.entity ? word('entity', reject.entity) : t('rejects.key')} <code>{reject.key}</code>
            </span>
            {reject.position && (
              <span>{/^\d+$/.test(reject.position) ? t('rejects.line', { line: reject.position }) : reject.position}</span>
            )}
            <span>{word('errorClass', reject.class)}</span>
            <Age at={reject.created_at} />
          </div>
        </div>
        <div className={classes.actions}>
          {operator && reject.status === 'open' && (
            <>
              <Button
                size="xs"
                variant="light"
                leftSection={<Icon name="replay" size={14} />}
                loading={replay.isPending}
                onClick={() => replay.mutate(undefined)}
              >
                {t('rejects.replay')}
              </Button>
              <Button size="xs" variant="default" loading={dismiss.isPending} onClick={() => dismiss.mutate(undefined)}>
                {t('rejects.dismiss')}
              </Button>
            </>
          )}
          {columns.length > 0 && (
            <Button
              size="xs"
              variant="subtle"
              aria-expanded={opened}
              rightSection={<Icon name={opened ? 'chevronDown' : 'chevronRight'} size={14} />}
              onClick={() => setOpened(!opened)}
            >
              {t('rejects.row')}
            </Button>
          )}
        </div>
      </div>
      <Collapse expanded={opened}>
        <dl className={classes.row}>
          {columns.map(([name, value]) => (
            <div key={name} data-broken={reject.raw != null && value === reject.raw ? true : undefined}>
              <dt>{name}</dt>
              <dd>{value === '' ? '∅' : value}</dd>
            </div>
          ))}
        </dl>
      </Collapse>
    </li>
  );
}
