import { Button, Skeleton, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { conflictQuery, resolveConflict } from '../../api/conflicts';
import type { Conflict, Strategy } from '../../api/types';
import { ProblemNotice } from '../../domain/problem-notice';
import { useMay } from '../../domain/roles';
import { ConflictStatusBadge } from '../../domain/state-badges';
import { useAction } from '../../domain/use-action';
import { useFormat } from '../../format/use-format';
import { useWord } from '../../i18n/use-word';
import { paths } from '../../paths';
import { Age } from '../../ui/age';
import { Facts } from '../../ui/facts';
import { Notice } from '../../ui/notice';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { TextLink } from '../../ui/text-link';
import classes from './conflicts.module.css';
import { Sides } from './sides';
import { subject } from './subject';

/** Both truths side by side, and the ways to decide between them. */
export function ConflictPage({ conflictId, onResolved }: { conflictId: string; onResolved: () => void }) {
  const { t } = useTranslation();
  const word = useWord();
  const format = useFormat();
  const query = useQuery(conflictQuery(conflictId));
  const back = (
    <div className={classes.back}>
      <TextLink to={paths.conflicts}>← {t('nav.conflicts')}</TextLink>
    </div>
  );
  if (!query.data) {
    return (
      <Page title={t('conflicts.one')} before={back}>
        {query.isError ? (
          <ProblemNotice error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <Skeleton height={320} radius="md" />
        )}
      </Page>
    );
  }
  const conflict = query.data;
  const { name, sku, reason } = subject(conflict);
  return (
    <Page
      title={name ?? t('conflicts.one')}
      before={back}
      about={
        <span className={classes.about}>
          <ConflictStatusBadge status={conflict.status} />
          <span>{word('conflictKind', conflict.kind)}</span>
          {sku && <code className={classes.sku}>{sku}</code>}
        </span>
      }
    >
      <div className={classes.stack}>
        <Panel>
          <p className={classes.why}>{word('conflictReason', reason ?? '', word('conflictWhy', conflict.kind, ''))}</p>
          <Facts
            items={[
              {
                name: t('common.store'),
                value: (
                  <TextLink to={paths.store} params={{ storeId: conflict.store_id }}>
                    {conflict.store_name}
                  </TextLink>
                ),
              },
              { name: t('jobs.pos'), value: conflict.pos_system },
              { name: t('conflicts.entity'), value: word('entity', conflict.entity) },
              {
                name: t('conflicts.money'),
                value:
                  conflict.money_impact != null && conflict.currency
                    ? format.money(conflict.money_impact, conflict.currency)
                    : t('conflicts.noMoney'),
              },
              { name: t('conflicts.found'), value: <Age at={conflict.created_at} /> },
            ]}
          />
        </Panel>
        <Sides conflict={conflict} />
        {conflict.status === 'open' ? <Decide conflict={conflict} onResolved={onResolved} /> : <Decided conflict={conflict} />}
      </div>
    </Page>
  );
}

function Decide({ conflict, onResolved }: { conflict: Conflict; onResolved: () => void }) {
  const { t } = useTranslation();
  const word = useWord();
  const operator = useMay('operator');
  const [strategy, setStrategy] = useState<Strategy>();
  const resolve = useAction({
    act: (input: { strategy: Strategy; notes: string | null }) => resolveConflict(conflict.id, input.strategy, input.notes),
    done: () => t('conflicts.resolvedNow'),
    stale: [['conflicts'], ['conflict', conflict.id], ['overview'], ['products'], ['product']],
    onDone: onResolved,
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (strategy === undefined) return;
    const notes = String(new FormData(event.currentTarget).get('notes') ?? '').trim();
    resolve.mutate({ strategy, notes: notes === '' ? null : notes });
  }

  if (!operator) return <Notice tone="mute" title={t('conflicts.needOperator')} />;
  return (
    <Panel title={t('conflicts.decide')}>
      <form onSubmit={submit}>
        <fieldset className={classes.choices}>
          <legend className={classes.legend}>{t('conflicts.decideHint')}</legend>
          {conflict.strategies.map((option) => (
            <label key={option} className={classes.choice} data-chosen={strategy === option || undefined}>
              <input
                type="radio"
                name="strategy"
                value={option}
                required
                checked={strategy === option}
                onChange={() => setStrategy(option)}
              />
              <span>
                <b>{word('strategy', option)}</b>
                <span className={classes.sub}>{word('strategyHint', option, '')}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <Textarea name="notes" label={t('conflicts.notes')} placeholder={t('conflicts.notesHint')} maxLength={2000} autosize minRows={2} mt="md" />
        <Button type="submit" mt="md" disabled={strategy === undefined} loading={resolve.isPending}>
          {t('conflicts.resolve')}
        </Button>
      </form>
    </Panel>
  );
}

function Decided({ conflict }: { conflict: Conflict }) {
  const { t } = useTranslation();
  const word = useWord();
  const format = useFormat();
  return (
    <Notice
      tone="ok"
      title={conflict.strategy ? word('strategy', conflict.strategy) : t('conflicts.wentAway')}
    >
      {conflict.resolved_at && format.moment(conflict.resolved_at)}
      {conflict.notes && <p>{conflict.notes}</p>}
    </Notice>
  );
}
