import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import classes from './copy-line.module.css';
import { Icon } from './icon';

/** A line of text to take elsewhere, with a button that copies it. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation();
  return (
    <div className={classes.line}>
      <code className={classes.code} aria-label={label}>
        {text}
      </code>
      <CopyButton value={text} timeout={2000}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? t('common.copied') : t('common.copy')}>
            <ActionIcon
              variant={copied ? 'filled' : 'light'}
              size="lg"
              onClick={copy}
              aria-label={copied ? t('common.copied') : `${t('common.copy')}: ${label}`}
            >
              <Icon name={copied ? 'check' : 'copy'} />
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </div>
  );
}
