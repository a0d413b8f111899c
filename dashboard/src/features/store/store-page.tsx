import { Button, Menu, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { storeQuery, syncStore } from '../../api/stores';
import type { Job, Reject, StoreDetail } from '../../api/types';
import { ProblemNotice } from '../../domain/problem-notice';
import { useMay } from '../../domain/roles';
import { StoreStateBadge } from '../../domain/state-badges';
import { UpdateProblemDetails, UpdateProblemTitle } from '../../domain/update-problem';
import { useAction } from '../../domain/use-action';
import { useWord } from '../../i18n/use-word';
import { paths } from '../../paths';
import { Age } from '../../ui/age';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { Notice } from '../../ui/notice';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { Prose } from '../../ui/prose';
import { TextLink } from '../../ui/text-link';
import { Agents } from './agents';
import { BrakeNotices } from './brake-notices';
import { trippedBrakes } from './brakes';
import { CarryDialog } from './carry-dialog';
import { PosSystems } from './pos-systems';
import { StreamTable } from './stream-table';
import { Webhooks } from './webhooks';
import classes from './store-page.module.css';

/** One store: is it in sync, and if not, why. Jobs, rejects and the code dialog are handed in by the route. */
export function StorePage({
  storeId,
  renderJobs,
  renderRejects,
  renderEnrol,
}: {
  storeId: string;
  renderJobs: (jobs: Job[]) => ReactNode;
  renderRejects: (rejects: Reject[]) => ReactNode;
  renderEnrol: (store: { id: string; name: string } | undefined, onClose: () => void) => ReactNode;
}) {
  const { t } = useTranslation();
  const store = useQuery(storeQuery(storeId));
  const [enrolling, setEnrolling] = useState(false);
  const [carrying, setCarrying] = useState(false);
  const back = (
    <div className={classes.back}>
      <TextLink to={paths.stores}>← {t('nav.stores')}</TextLink>
    </div>
  );

  if (!store.data) {
    return (
      <Page title={t('common.store')} before={back}>
        {store.isError ? (
          <ProblemNotice error={store.error} onRetry={() => void store.refetch()} />
        ) : (
          <Skeleton height={320} radius="md" />
        )}
      </Page>
    );
  }

  const { overview, agents, pos_systems, streams, jobs, rejects } = store.data;
  return (
    <Page
      title={overview.name}
      before={back}
      about={<About detail={store.data} />}
      actions={
        <Actions storeId={storeId} hasAgent={agents.length > 0} onEnrol={() => setEnrolling(true)} onCarry={() => setCarrying(true)} />
      }
    >
      <div className={classes.stack}>
        <BrakeNotices detail={store.data} />
        <Health detail={store.data} onEnrol={() => setEnrolling(true)} onCarry={() => setCarrying(true)} />
        {overview.update_problem && (
          <Notice tone="warn" title={<UpdateProblemTitle problem={overview.update_problem} />}>
            <UpdateProblemDetails problem={overview.update_problem} /> <Age at={overview.update_problem.at} />
          </Notice>
        )}
        {streams.length > 0 && (
          <Panel title={t('store.streams')} note={t('store.streamsNote')} flush>
            <StreamTable streams={streams} />
          </Panel>
        )}
        {rejects.length > 0 && (
          <Panel
            title={t('store.rejects')}
            note={t('store.rejectsNote')}
            flush
            actions={
              <TextLink to={paths.rejects} search={{ store: storeId }}>
                {t('common.seeAll')}
              </TextLink>
            }
          >
            {renderRejects(rejects)}
          </Panel>
        )}
        <div className={classes.pair}>
          {agents.length > 0 && <Agents agents={agents} />}
          <PosSystems systems={pos_systems.filter((system) => system.webhook == null)} />
        </div>
        <Webhooks storeId={storeId} systems={pos_systems} />
        <Panel
          title={t('store.jobs')}
          flush
          actions={
            <TextLink to={paths.jobs} search={{ store: storeId }}>
              {t('common.seeAll')}
            </TextLink>
          }
        >
          {jobs.length === 0 ? (
            <Empty icon="jobs" title={t('jobs.empty')}>
              {t('jobs.emptyHint')}
            </Empty>
          ) : (
            renderJobs(jobs)
          )}
        </Panel>
      </div>
      <CarryDialog storeId={storeId} opened={carrying} onClose={() => setCarrying(false)} />
      {renderEnrol(enrolling ? { id: storeId, name: overview.name } : undefined, () => setEnrolling(false))}
    </Page>
  );
}

function About({ detail: { overview } }: { detail: StoreDetail }) {
  const { t } = useTranslation();
  const word = useWord();
  return (
    <span className={classes.about}>
      <span data-testid="store-state" data-state={overview.state}>
        <StoreStateBadge state={overview.state} />
      </span>
      <span>{[overview.city, ...overview.systems.map((system) => word('system', system, system))].filter(Boolean).join(' · ')}</span>
      <span>
        {t('overview.lastSync')}: {overview.last_sync_at ? <Age at={overview.last_sync_at} /> : t('common.never')}
      </span>
    </span>
  );
}

function Actions({
  storeId,
  hasAgent,
  onEnrol,
  onCarry,
}: {
  storeId: string;
  hasAgent: boolean;
  onEnrol: () => void;
  onCarry: () => void;
}) {
  const { t } = useTranslation();
  const operator = useMay('operator');
  const admin = useMay('admin');
  const sync = useAction({
    act: (mode: 'incremental' | 'full') => syncStore(storeId, mode),
    done: () => t('store.syncAsked'),
    stale: [['store', storeId], ['overview']],
  });
  return (
    <>
      {admin && (
        <Button variant="default" leftSection={<Icon name="terminal" size={16} />} onClick={onEnrol}>
          {t('enrol.get')}
        </Button>
      )}
      {operator && hasAgent && (
        <Button.Group>
          <Button
            leftSection={<Icon name="sync" size={16} />}
            loading={sync.isPending}
            onClick={() => sync.mutate('incremental')}
          >
            {t('store.syncNow')}
          </Button>
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <Button px={8} aria-label={t('store.syncMore')} style={{ borderLeft: '1px solid rgba(255,255,255,.3)' }}>
                <Icon name="chevronDown" size={16} />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => sync.mutate('incremental')}>{t('store.syncChanges')}</Menu.Item>
              <Menu.Item onClick={() => sync.mutate('full')}>{t('store.syncFull')}</Menu.Item>
              <Menu.Divider />
              <Menu.Item onClick={onCarry}>{t('carry.title')}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Button.Group>
      )}
    </>
  );
}

/** What keeps the store from being green, and what to do about it. */
function Health({ detail, onEnrol, onCarry }: { detail: StoreDetail; onEnrol: () => void; onCarry: () => void }) {
  const { t } = useTranslation();
  const admin = useMay('admin');
  const operator = useMay('operator');
  const { overview, agents } = detail;
  if (overview.state === 'never') {
    return (
      <Notice
        tone="mute"
        title={agents.length === 0 ? t('store.noAgent') : t('store.noPos')}
        action={admin && agents.length === 0 && <Button onClick={onEnrol}>{t('enrol.get')}</Button>}
      >
        {agents.length === 0 ? t('store.noAgentHint') : t('store.noPosHint')}
      </Notice>
    );
  }
  if (overview.state === 'silent') {
    return (
      <Notice
        tone="bad"
        title={
          <>
            {t('attention.silent')} {overview.last_seen_at && <Age at={overview.last_seen_at} />}
          </>
        }
        action={
          operator && (
            <Button variant="default" onClick={onCarry}>
              {t('carry.title')}
            </Button>
          )
        }
      >
        {t('attention.silentHint')}
      </Notice>
    );
  }
  if (!overview.last_error) return null;
  // A tripped brake has said it already, and better.
  if (trippedBrakes(detail).some((brake) => brake.stream === overview.last_error?.stream)) return null;
  const { pos_system, stream, message, hint, at } = overview.last_error;
  return (
    <Notice tone={overview.state === 'failing' ? 'bad' : 'warn'} title={[pos_system, stream].filter(Boolean).join(' · ') || t('attention.failing')}>
      <Prose text={message} /> {at && <Age at={at} />}
      {hint && (
        <div className={classes.hint}>
          <Prose text={hint} />
        </div>
      )}
    </Notice>
  );
}
