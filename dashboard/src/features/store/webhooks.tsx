import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PosSystem, WebhookSecret } from '../../api/types';
import { deactivateWebhook, rotateWebhook } from '../../api/webhooks';
import { useMay } from '../../domain/roles';
import { useAction } from '../../domain/use-action';
import { useFormat } from '../../format/use-format';
import { Age } from '../../ui/age';
import { Confirm } from '../../ui/confirm';
import { CopyLine } from '../../ui/copy-line';
import { Empty } from '../../ui/empty';
import { Facts } from '../../ui/facts';
import { Icon } from '../../ui/icon';
import { Panel } from '../../ui/panel';
import { Prose } from '../../ui/prose';
import { StateBadge } from '../../ui/state-badge';
import { CreateWebhook } from './create-webhook';
import classes from './store-page.module.css';
import { WebhookHandout } from './webhook-handout';

type Webhook = PosSystem & { webhook: NonNullable<PosSystem['webhook']> };

/** The addresses that POS systems of the store call by themselves. Admins make, renew and end them here. */
export function Webhooks({ storeId, systems }: { storeId: string; systems: PosSystem[] }) {
  const { t } = useTranslation();
  const admin = useMay('admin');
  const [creating, setCreating] = useState(false);
  const [handout, setHandout] = useState<WebhookSecret>();
  const webhooks = systems.filter((system): system is Webhook => system.webhook != null);
  if (webhooks.length === 0 && !admin) return null;
  return (
    <Panel
      title={t('webhook.title')}
      note={t('webhook.note')}
      flush
      actions={
        admin && (
          <Button size="xs" variant="default" leftSection={<Icon name="plus" size={14} />} onClick={() => setCreating(true)}>
            {t('webhook.create')}
          </Button>
        )
      }
    >
      {webhooks.length === 0 && (
        <Empty icon="plug" title={t('webhook.none')}>
          {t('webhook.noneHint')}
        </Empty>
      )}
      {webhooks.map((system) => (
        <WebhookFacts key={system.id} system={system} storeId={storeId} onHandout={setHandout} />
      ))}
      <CreateWebhook
        storeId={storeId}
        opened={creating}
        onClose={() => setCreating(false)}
        onCreated={(made) => {
          setCreating(false);
          setHandout(made);
        }}
      />
      <WebhookHandout handout={handout} onClose={() => setHandout(undefined)} />
    </Panel>
  );
}

function WebhookFacts({
  system,
  storeId,
  onHandout,
}: {
  system: Webhook;
  storeId: string;
  onHandout: (handout: WebhookSecret) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const admin = useMay('admin');
  const [asking, setAsking] = useState<'rotate' | 'deactivate'>();
  const stale = [['store', storeId], ['overview']];
  const close = () => setAsking(undefined);
  const rotate = useAction({
    act: () => rotateWebhook(system.id),
    stale,
    onDone: (made) => {
      close();
      onHandout(made);
    },
  });
  const deactivate = useAction({
    act: () => deactivateWebhook(system.id),
    done: () => t('webhook.deactivated'),
    stale,
    onDone: close,
  });
  const { path, events, last_event_at, last_refusal_at, last_refusal, previous_until, deactivated_at } = system.webhook;
  const refusalCounts = last_refusal_at != null && (last_event_at == null || Date.parse(last_event_at) < Date.parse(last_refusal_at));
  return (
    <div className={classes.each}>
      <h3 className={classes.eachTitle}>
        {system.name}
        {deactivated_at && <StateBadge tone="mute" word={t('webhook.ended')} size="sm" />}
        {!deactivated_at && refusalCounts && <StateBadge tone="warn" word={t('webhook.refused')} size="sm" />}
      </h3>
      <Facts
        items={[
          { name: t('webhook.lastEvent'), value: last_event_at ? <Age at={last_event_at} /> : t('common.never') },
          { name: t('webhook.events'), value: format.count(events) },
          { name: t('pos.mapping'), value: `${system.mapping_name} v${system.mapping_version}` },
          ...(last_refusal_at && last_refusal
            ? [{ name: t('webhook.lastRefusal'), value: <Age at={last_refusal_at} /> }]
            : []),
          ...(previous_until && Date.parse(previous_until) > Date.now()
            ? [{ name: t('webhook.previousUntil'), value: format.moment(previous_until) }]
            : []),
        ]}
      />
      {!deactivated_at && last_refusal && (
        <p className={classes.refusal}>
          <Prose text={last_refusal} />
        </p>
      )}
      {!deactivated_at && (
        <div className={classes.address}>
          <CopyLine text={window.location.origin + path} label={t('webhook.address')} />
        </div>
      )}
      {admin && !deactivated_at && (
        <Group mt="sm" gap="xs">
          <Button size="xs" variant="default" onClick={() => setAsking('rotate')}>
            {t('webhook.rotate')}
          </Button>
          <Button size="xs" variant="subtle" color="red.8" onClick={() => setAsking('deactivate')}>
            {t('webhook.deactivate')}
          </Button>
        </Group>
      )}
      <Confirm
        opened={asking === 'rotate'}
        title={t('webhook.rotateTitle', { name: system.name })}
        action={t('webhook.rotate')}
        busy={rotate.isPending}
        onConfirm={() => rotate.mutate(undefined)}
        onClose={close}
      >
        {t('webhook.rotateText')}
      </Confirm>
      <Confirm
        opened={asking === 'deactivate'}
        title={t('webhook.deactivateTitle', { name: system.name })}
        action={t('webhook.deactivate')}
        danger
        busy={deactivate.isPending}
        onConfirm={() => deactivate.mutate(undefined)}
        onClose={close}
      >
        {t('webhook.deactivateText')}
      </Confirm>
    </div>
  );
}
