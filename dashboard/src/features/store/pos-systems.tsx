import { useTranslation } from 'react-i18next';
import type { PosSystem } from '../../api/types';
import { useWord } from '../../i18n/use-word';
import { Age } from '../../ui/age';
import { Facts } from '../../ui/facts';
import { Panel } from '../../ui/panel';
import { StateBadge } from '../../ui/state-badge';
import { describeConnection } from './connection';
import classes from './store-page.module.css';

/** The POS systems that the store's agents have declared. */
export function PosSystems({ systems }: { systems: PosSystem[] }) {
  const { t } = useTranslation();
  const word = useWord();
  if (systems.length === 0) return null;
  return (
    <Panel title={t('pos.title', { count: systems.length })} flush>
      {systems.map((system) => {
        const connection = describeConnection(system.connection);
        return (
          <div key={system.id} className={classes.each}>
            <h3 className={classes.eachTitle}>
              {system.name}
              {!system.active && <StateBadge tone="mute" word={t('pos.inactive')} size="sm" />}
            </h3>
            <Facts
              items={[
                { name: t('pos.type'), value: word('system', system.system_type, system.system_type) },
                { name: t('pos.connector'), value: word('connector', system.connector, system.connector) },
                { name: t('pos.mapping'), value: `${system.mapping_name} v${system.mapping_version}` },
                {
                  name: t('overview.lastSync'),
                  value: system.last_sync_at ? <Age at={system.last_sync_at} /> : t('common.never'),
                },
              ]}
            />
            {connection && <p className={classes.connection}>{connection}</p>}
          </div>
        );
      })}
    </Panel>
  );
}
