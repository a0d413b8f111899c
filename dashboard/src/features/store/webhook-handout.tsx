import { Anchor, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { WebhookSecret } from '../../api/types';
import { useFormat } from '../../format/use-format';
import { CopyLine } from '../../ui/copy-line';
import { Notice } from '../../ui/notice';

/** What the developer of the POS needs: the address, the secret, which is shown this once, and how to sign. */
export function WebhookHandout({ handout, onClose }: { handout?: WebhookSecret; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Modal
      opened={handout !== undefined}
      onClose={onClose}
      size="lg"
      title={<Text fw={600}>{t('webhook.handout')}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
      // A click beside it must not lose what cannot be shown again.
      closeOnClickOutside={false}
    >
      {handout && (
        <Stack>
          <Notice tone="warn" title={t('webhook.once')}>
            {handout.previous_until ? t('webhook.onceRotated', { until: format.moment(handout.previous_until) }) : t('webhook.onceHint')}
          </Notice>
          <div>
            <Text size="sm" fw={500} mb={4}>
              {t('webhook.address')}
            </Text>
            <CopyLine text={window.location.origin + handout.path} label={t('webhook.address')} />
          </div>
          <div>
            <Text size="sm" fw={500} mb={4}>
              {t('webhook.secret')}
            </Text>
            <CopyLine text={handout.secret} label={t('webhook.secret')} />
          </div>
          <Text size="sm">
            {t('webhook.howTo')}{' '}
            <Anchor size="sm" href="/docs" target="_blank" rel="noreferrer">
              {t('webhook.docs')}
            </Anchor>
          </Text>
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('webhook.kept')}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
