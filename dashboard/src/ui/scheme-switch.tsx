import { type MantineColorScheme, useMantineColorScheme } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Icon, type IconName } from './icon';
import classes from './switches.module.css';

const schemes: { scheme: MantineColorScheme; icon: IconName }[] = [
  { scheme: 'light', icon: 'sun' },
  { scheme: 'auto', icon: 'auto' },
  { scheme: 'dark', icon: 'moon' },
];

export function SchemeSwitch() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <div className={classes.group} role="group" aria-label={t('shell.appearance')}>
      {schemes.map(({ scheme, icon }) => (
        <button
          key={scheme}
          type="button"
          title={t(`scheme.${scheme}`)}
          aria-label={t(`scheme.${scheme}`)}
          aria-pressed={colorScheme === scheme}
          className={classes.button}
          onClick={() => setColorScheme(scheme)}
        >
          <Icon name={icon} size={15} />
        </button>
      ))}
    </div>
  );
}
