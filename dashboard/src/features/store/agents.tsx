import { useTranslation } from 'react-i18next';
import type { Agent } from '../../api/types';
import { useFormat } from '../../format/use-format';
import { Age } from '../../ui/age';
import { Facts } from '../../ui/facts';
import { Panel } from '../../ui/panel';
import { StateBadge } from '../../ui/state-badge';
import classes from './store-page.module.css';

/** A clock further off than this stamps sales with a wrong time. */
const skewLimit = 60_000;
/** Below this the spool soon has no room. */
const diskLimit = 1_000_000_000;

/** The agents that were enrolled for the store. */
export function Agents({ agents }: { agents: Agent[] }) {
  const { t } = useTranslation();
  return (
    <Panel title={t('agent.title', { count: agents.length })} flush>
      {agents.map((agent) => (
        <AgentFacts key={agent.id} agent={agent} />
      ))}
    </Panel>
  );
}

/** The version, and how a newer one is getting on. */
function useVersion({ version, update }: Agent): string {
  const { t } = useTranslation();
  if (!update) return version;
  return t(`agent.update.${update.state}`, { version, target: update.target, message: update.message ?? '' });
}

function AgentFacts({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const format = useFormat();
  const version = useVersion(agent);
  const skew = agent.clock_skew_ms;
  const disk = agent.disk_free_bytes;
  return (
    <div className={classes.each}>
      <h3 className={classes.eachTitle}>
        {agent.machine}
        {agent.revoked_at && <StateBadge tone="mute" word={t('agent.revoked')} size="sm" />}
        {skew != null && Math.abs(skew) > skewLimit && <StateBadge tone="warn" word={t('agent.skewed')} size="sm" />}
        {disk != null && disk < diskLimit && <StateBadge tone="warn" word={t('agent.diskLow')} size="sm" />}
      </h3>
      <Facts
        items={[
          { name: t('agent.seen'), value: agent.last_seen_at ? <Age at={agent.last_seen_at} /> : t('common.never') },
          { name: t('agent.version'), value: version },
          { name: t('agent.os'), value: agent.os ?? '—' },
          {
            name: t('agent.skew'),
            value:
              skew == null
                ? '—'
                : Math.abs(skew) < 1_000
                  ? t('agent.skewNone')
                  : t(skew > 0 ? 'agent.skewAhead' : 'agent.skewBehind', { length: format.duration(Math.abs(skew)) }),
          },
          { name: t('agent.disk'), value: disk == null ? '—' : format.bytes(disk) },
          {
            name: t('overview.queue'),
            value:
              agent.queue.batches === 0
                ? t('agent.queueEmpty')
                : `${t('agent.batches', { count: agent.queue.batches })}, ${format.bytes(agent.queue.bytes)}`,
          },
          { name: t('agent.enrolled'), value: format.moment(agent.enrolled_at) },
        ]}
      />
    </div>
  );
}
