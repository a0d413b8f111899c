import { Icon, type IconName } from './icon';
import classes from './state-badge.module.css';
import { type Tone, toneIcon } from './tone';

/** A state by colour and icon and word. */
export function StateBadge({
  tone,
  word,
  icon,
  size = 'md',
}: {
  tone: Tone;
  word: string;
  icon?: IconName;
  size?: 'sm' | 'md';
}) {
  return (
    <span className={classes.badge} data-tone={tone} data-size={size}>
      <Icon name={icon ?? toneIcon[tone]} size={size === 'sm' ? 13 : 15} className={tone === 'busy' ? classes.turning : undefined} />
      {word}
    </span>
  );
}
