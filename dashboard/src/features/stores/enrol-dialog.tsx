import { Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { createEnrolmentCode } from '../../api/stores';
import { ProblemNotice } from '../../domain/problem-notice';
import { useFormat } from '../../format/use-format';
import { CopyLine } from '../../ui/copy-line';
import { enrolCommand, installCommand } from './enrol-command';
import classes from './enrol-dialog.module.css';

/** A fresh single-use code, and the line to type at the store, on Windows or on Linux. */
export function EnrolDialog({ store, onClose }: { store?: { id: string; name: string }; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const code = useMutation({ mutationFn: createEnrolmentCode });
  const { mutate, reset } = code;
  const storeId = store?.id;

  useEffect(() => {
    if (storeId === undefined) return;
    mutate(storeId);
    return reset;
  }, [storeId, mutate, reset]);

  return (
    <Modal
      opened={store !== undefined}
      onClose={onClose}
      size="lg"
      title={<Text fw={600}>{t('enrol.title', { store: store?.name ?? '' })}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack>
        {code.isError && <ProblemNotice error={code.error} onRetry={() => storeId && code.mutate(storeId)} />}
        {code.isPending && <Skeleton height={150} />}
        {code.data && (
          <>
            <div className={classes.code} aria-label={t('enrol.code')}>
              {code.data.code}
            </div>
            <Text size="sm" c="dimmed" ta="center">
              {t('enrol.once', { until: format.moment(code.data.expires_at) })}
            </Text>
            <ul className={classes.steps}>
              <li>
                {t('enrol.windows')}
                <CopyLine
                  text={installCommand(window.location.origin, code.data.code)}
                  label={t('enrol.windowsCommand')}
                />
              </li>
              <li>
                {t('enrol.linux')}
                <CopyLine text={enrolCommand(window.location.origin, code.data.code)} label={t('enrol.linuxCommand')} />
              </li>
              <li>{t('enrol.then')}</li>
            </ul>
          </>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.done')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
