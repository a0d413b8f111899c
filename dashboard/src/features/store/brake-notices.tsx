import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { confirmDeletes } from '../../api/stores';
import type { StoreDetail } from '../../api/types';
import { useMay } from '../../domain/roles';
import { useAction } from '../../domain/use-action';
import { useWord } from '../../i18n/use-word';
import { Confirm } from '../../ui/confirm';
import { Notice } from '../../ui/notice';
import { Prose } from '../../ui/prose';
import { type TrippedBrake, trippedBrakes } from './brakes';

/** A run that would delete more than usual waits for a person. */
export function BrakeNotices({ detail }: { detail: StoreDetail }) {
  return trippedBrakes(detail).map((brake) => <BrakeNotice key={`${brake.posSystemId} ${brake.stream}`} brake={brake} storeId={detail.overview.id} />);
}

function BrakeNotice({ brake, storeId }: { brake: TrippedBrake; storeId: string }) {
  const { t } = useTranslation();
  const word = useWord();
  const operator = useMay('operator');
  const [asking, setAsking] = useState(false);
  const stream = word('stream', brake.stream, brake.stream);
  const confirm = useAction({
    act: () => confirmDeletes(brake.posSystemId, brake.stream),
    done: () => t('brake.confirmed'),
    stale: [['store', storeId], ['overview']],
    onDone: () => setAsking(false),
  });
  return (
    <>
      <Notice
        tone="bad"
        title={t('brake.title', { stream, pos: brake.posSystem })}
        action={
          operator && (
            <Button color="red.8" onClick={() => setAsking(true)}>
              {t('brake.confirm')}
            </Button>
          )
        }
      >
        <Prose text={brake.message} /> {t('brake.hint')}
      </Notice>
      <Confirm
        opened={asking}
        danger
        title={t('brake.ask', { stream })}
        action={t('brake.confirm')}
        busy={confirm.isPending}
        onConfirm={() => confirm.mutate(undefined)}
        onClose={() => setAsking(false)}
      >
        <p>
          <Prose text={brake.message} />
        </p>
        <p>{t('brake.warning')}</p>
      </Confirm>
    </>
  );
}
