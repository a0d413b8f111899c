import type { ReactNode } from 'react';
import classes from './panel.module.css';

/** A titled surface. */
export function Panel({
  title,
  note,
  actions,
  flush = false,
  children,
}: {
  title?: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
  /** For tables, which reach the edge. */
  flush?: boolean;
  children: ReactNode;
}) {
  return (
    <section className={classes.panel}>
      {(title || actions) && (
        <header className={classes.head}>
          <div>
            {title && <h2 className={classes.title}>{title}</h2>}
            {note && <p className={classes.note}>{note}</p>}
          </div>
          {actions}
        </header>
      )}
      <div className={flush ? undefined : classes.body} data-titled={title ? true : undefined}>
        {children}
      </div>
    </section>
  );
}
