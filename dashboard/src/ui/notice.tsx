import type { ReactNode } from 'react';
import { Icon } from './icon';
import classes from './notice.module.css';
import { type Tone, toneIcon } from './tone';

/** Something to know, in the tone of how much it matters. */
export function Notice({
  tone,
  title,
  children,
  action,
  live = false,
}: {
  tone: Tone;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  /** Read out when it appears. */
  live?: boolean;
}) {
  return (
    <div className={classes.notice} data-tone={tone} role={live ? (tone === 'bad' ? 'alert' : 'status') : undefined}>
      <Icon name={toneIcon[tone]} size={18} className={classes.icon} />
      <div className={classes.text}>
        <div className={classes.title}>{title}</div>
        {children && <div className={classes.more}>{children}</div>}
      </div>
      {action && <div className={classes.action}>{action}</div>}
    </div>
  );
}
