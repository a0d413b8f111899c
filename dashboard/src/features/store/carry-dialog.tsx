import { Button, FileInput, Group, List, Modal, Progress, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { importCarried } from '../../api/carry';
import { Problem } from '../../api/problem';
import type { CarryReport } from '../../api/types';
import { useProblemText } from '../../domain/problem-notice';
import { useAction } from '../../domain/use-action';
import { useFormat } from '../../format/use-format';
import { useWord } from '../../i18n/use-word';
import { Notice } from '../../ui/notice';
import { saveText } from './save-text';

/** Takes the file that an agent without a line wrote onto a stick, and hands out the receipt that goes back. */
export function CarryDialog({ storeId, opened, onClose }: { storeId: string; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState(0);
  const bring = useAction({
    act: (chosen: File) => importCarried(chosen, setShare),
    stale: [['store'], ['overview'], ['stores'], ['jobs'], ['products']],
    problem: 'form',
  });

  function close() {
    // While it goes, a click beside it must not hide what is happening.
    if (bring.isPending) return;
    bring.reset();
    setFile(null);
    setShare(0);
    onClose();
  }

  return (
    <Modal
      opened={opened}
      onClose={close}
      size="lg"
      title={<Text fw={600}>{t('carry.title')}</Text>}
      closeButtonProps={{ 'aria-label': t('common.close') }}
      closeOnClickOutside={false}
    >
      {bring.data ? (
        <Brought report={bring.data} storeId={storeId} onClose={close} />
      ) : (
        <Stack>
          <List type="ordered" size="sm" spacing={4}>
            <List.Item>{t('carry.step1')}</List.Item>
            <List.Item>{t('carry.step2')}</List.Item>
            <List.Item>{t('carry.step3')}</List.Item>
          </List>
          <FileInput
            label={t('carry.file')}
            placeholder={t('carry.choose')}
            accept=".carry"
            value={file}
            onChange={(chosen) => {
              bring.reset();
              setFile(chosen);
            }}
            disabled={bring.isPending}
            clearable
            clearButtonProps={{ 'aria-label': t('carry.clear') }}
          />
          {bring.isPending && <Under share={share} />}
          {bring.isError && <Failed error={bring.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} disabled={bring.isPending}>
              {t('common.cancel')}
            </Button>
            <Button
              disabled={file === null}
              loading={bring.isPending}
              onClick={() => {
                setShare(0);
                if (file) bring.mutate(file);
              }}
            >
              {t('carry.submit')}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

function Under({ share }: { share: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div>
      <Progress value={share * 100} aria-label={t('carry.progress')} />
      <Text size="sm" c="dimmed" mt={4}>
        {share < 1 ? t('carry.sent', { share: format.share(share) }) : t('carry.finishing')}
      </Text>
    </div>
  );
}

/** What went wrong with this file, in the reader's language; what is not about the file is told as everywhere. */
function Failed({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const word = useWord();
  const { title, detail } = useProblemText()(error);
  const code = error instanceof Problem ? error.code : 'unknown';
  const about = word('carryProblem', code, '');
  return (
    <Notice tone="bad" title={about ? t('carry.failed') : title} live>
      {about || detail}
    </Notice>
  );
}

function Brought({ report, storeId, onClose }: { report: CarryReport; storeId: string; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const gap = report.outcome === 'gap';
  const changed = report.inserted + report.updated + report.deleted;
  return (
    <Stack>
      <Notice
        tone={gap ? 'warn' : 'ok'}
        title={gap ? t('carry.gap', { missing: format.count(report.missing ?? 0) }) : t('carry.done', { store: report.store_name })}
        live
      >
        {gap ? t('carry.gapHint') : t('carry.doneHint', { moment: format.moment(report.made_at) })}
      </Notice>
      {report.store_id !== storeId && (
        <Notice tone="mute" title={t('carry.other', { store: report.store_name })}>
          {t('carry.otherHint')}
        </Notice>
      )}
      <Text size="sm">
        {t('carry.deliveries', { applied: format.count(report.applied), known: format.count(report.known) })}{' '}
        {t('carry.records', { changed: format.count(changed), rejected: format.count(report.rejected) })}
      </Text>
      <Text size="sm">{t('carry.receiptHint')}</Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('common.done')}
        </Button>
        <Button onClick={() => saveText(report.receipt_name, report.receipt)}>{t('carry.receipt')}</Button>
      </Group>
    </Stack>
  );
}
