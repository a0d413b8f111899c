import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { createStore } from '../../api/stores';
import type { Store } from '../../api/types';
import { ProblemNotice } from '../../domain/problem-notice';
import { useAction } from '../../domain/use-action';

/** Adds a store; what follows is the code for its agent. */
export function CreateStore({
  opened,
  onClose,
  onCreated,
}: {
  opened: boolean;
  onClose: () => void;
  onCreated: (store: Store) => void;
}) {
  const { t } = useTranslation();
  const create = useAction({
    act: ({ name, city }: { name: string; city: string }) => createStore(name, city === '' ? null : city),
    stale: [['stores'], ['overview']],
    problem: 'form',
    onDone: onCreated,
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    create.mutate({ name: String(form.get('name') ?? '').trim(), city: String(form.get('city') ?? '').trim() });
  }

  return (
    <Modal
      opened={opened}
      onClose={() => {
        create.reset();
        onClose();
      }}
      title={<Text fw={600}>{t('stores.create')}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            name="name"
            label={t('stores.name')}
            description={t('stores.nameHint')}
            placeholder={t('stores.nameExample')}
            required
            withAsterisk={false}
            maxLength={200}
            data-autofocus
          />
          <TextInput name="city" label={t('stores.cityOptional')} placeholder={t('stores.cityExample')} maxLength={200} />
          {create.isError && <ProblemNotice error={create.error} conflict={t('stores.taken')} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={create.isPending}>
              {t('stores.createSubmit')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
