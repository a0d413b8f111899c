import type { ReactNode } from 'react';
import classes from './metric.module.css';

/** A row of figures, divided by hairlines. */
export function Metrics({ label, children }: { label: string; children: ReactNode }) {
  return (
    <section className={classes.strip} aria-label={label}>
      {children}
    </section>
  );
}

/** One figure and what it counts. */
export function Metric({ name, value }: { name: string; value: ReactNode }) {
  return (
    <div className={classes.metric}>
      <div className={classes.name}>{name}</div>
      <div className={classes.value}>{value}</div>
    </div>
  );
}
