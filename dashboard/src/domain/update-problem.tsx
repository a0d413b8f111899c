import { useTranslation } from 'react-i18next';
import type { UpdateProblem } from '../api/types';
import { Prose } from '../ui/prose';

/** Which version of the agent was left or refused, and which one runs. */
export function UpdateProblemTitle({ problem: { machine, version, report } }: { problem: UpdateProblem }) {
  const { t } = useTranslation();
  const key = report.state === 'refused' ? 'update.refused' : 'update.rolledBack';
  return t(key, { machine, version, target: report.target });
}

/** Why, that nothing is lost by it, and whether it is tried again. */
export function UpdateProblemDetails({ problem: { report, halted } }: { problem: UpdateProblem }) {
  const { t } = useTranslation();
  return (
    <>
      {report.message && (
        <>
          {t('update.reason')} <Prose text={report.message.replace(/\.$/, '')} />.{' '}
        </>
      )}
      {t('update.works')} {t(halted ? 'update.halted' : 'update.notAgain', { target: report.target })}
    </>
  );
}
