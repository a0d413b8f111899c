import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { WebhookSecret } from '../../api/types';
import { createWebhook } from '../../api/webhooks';
import { ProblemNotice } from '../../domain/problem-notice';
import { useAction } from '../../domain/use-action';

/** The pack for a POS that speaks the events of our own description. */
const usualPack = 'pos-service';

/** Makes an address that a POS calls; what follows is the secret it signs with. */
export function CreateWebhook({
  storeId,
  opened,
  onClose,
  onCreated,
}: {
  storeId: string;
  opened: boolean;
  onClose: () => void;
  onCreated: (made: WebhookSecret) => void;
}) {
  const { t } = useTranslation();
  const create = useAction({
    act: (wish: { name: string; pack: string; currency: string }) =>
      createWebhook(storeId, { name: wish.name, pack: wish.pack, currency: wish.currency === '' ? null : wish.currency, settings: {} }),
    stale: [['store', storeId], ['overview']],
    problem: 'form',
    onDone: onCreated,
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    create.mutate({ name: text('name'), pack: text('pack'), currency: text('currency').toUpperCase() });
  }

  return (
    <Modal
      opened={opened}
      onClose={() => {
        create.reset();
        onClose();
      }}
      title={<Text fw={600}>{t('webhook.createTitle')}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            name="name"
            label={t('webhook.name')}
            description={t('webhook.nameHint')}
            placeholder={t('webhook.nameExample')}
            required
            withAsterisk={false}
            maxLength={200}
            data-autofocus
          />
          <TextInput
            name="pack"
            label={t('webhook.pack')}
            description={t('webhook.packHint')}
            defaultValue={usualPack}
            required
            withAsterisk={false}
          />
          <TextInput
            name="currency"
            label={t('webhook.currency')}
            description={t('webhook.currencyHint')}
            placeholder={t('webhook.currencyExample')}
            maxLength={3}
          />
          {create.isError && <ProblemNotice error={create.error} conflict={t('webhook.taken')} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('webhook.createSubmit')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
