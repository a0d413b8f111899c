import { useElementSize } from '@mantine/hooks';
import { useState } from 'react';
import { useFormat } from '../format/use-format';
import { approximate } from '../format/decimal';
import classes from './step-chart.module.css';

/** A value and since when it held. */
export interface Step {
  at: string;
  /** Exact, as text. */
  value: string;
  /** Since when it no longer held; absent for the present one. */
  until?: string | null;
}

export interface Series {
  name: string;
  steps: Step[];
}

const height = 220;
const edge = { top: 12, right: 12, bottom: 26, left: 12 };
const colours = ['var(--fx-chart)', 'var(--fx-warn)', 'var(--fx-busy)', 'var(--fx-bad)', 'var(--fx-ok)', 'var(--fx-mute)'];
const dashes = [undefined, '7 4', '2 4', '10 3 2 3', '4 2', '1 3'];

/** Values that hold until the next one: prices and stock. Lines differ by colour and by dash. */
export function StepChart({
  label,
  series,
  now,
  show,
}: {
  label: string;
  series: Series[];
  now: number;
  show: (value: string) => string;
}) {
  const format = useFormat();
  const { ref, width } = useElementSize();
  const [pointed, setPointed] = useState<number | null>(null);

  const ordered = series.map((line) => ({
    ...line,
    steps: [...line.steps].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)),
  }));
  const all = ordered.flatMap((line) => line.steps);
  if (all.length === 0) return null;
  const from = Math.min(...all.map((step) => Date.parse(step.at)));
  const to = Math.max(now, from + 60_000);
  const values = all.map((step) => approximate(step.value));
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = high === low ? Math.max(Math.abs(high) * 0.1, 1) : (high - low) * 0.1;
  const x = (at: number) => edge.left + ((at - from) / (to - from)) * Math.max(0, width - edge.left - edge.right);
  const y = (value: number) =>
    edge.top + (1 - (value - low + margin) / (high - low + 2 * margin)) * (height - edge.top - edge.bottom);

  const lowest = all[values.indexOf(low)]!.value;
  const highest = all[values.indexOf(high)]!.value;
  const at = pointed === null || width === 0 ? null : from + ((pointed - edge.left) / (width - edge.left - edge.right)) * (to - from);

  return (
    <figure className={classes.figure} aria-label={label}>
      <div
        ref={ref}
        className={classes.plot}
        style={{ height }}
        onPointerMove={(event) => setPointed(event.clientX - event.currentTarget.getBoundingClientRect().left)}
        onPointerLeave={() => setPointed(null)}
      >
        {width > 0 && (
          <svg width={width} height={height} aria-hidden="true" focusable="false">
            {(high === low ? [high] : [high, low]).map((value) => (
              <line key={value} x1={edge.left} x2={width - edge.right} y1={y(value)} y2={y(value)} className={classes.guide} />
            ))}
            <text x={edge.left} y={y(high) - 4} className={classes.tick}>
              {show(highest)}
            </text>
            {high !== low && (
              <text x={edge.left} y={y(low) + 13} className={classes.tick}>
                {show(lowest)}
              </text>
            )}
            <text x={edge.left} y={height - 4} className={classes.tick}>
              {format.shortMoment(new Date(from).toISOString(), now)}
            </text>
            <text x={width - edge.right} y={height - 4} className={classes.tick} textAnchor="end">
              {format.shortMoment(new Date(to).toISOString(), now)}
            </text>
            {ordered.map((line, index) => (
              <path
                key={line.name}
                d={stepPath(line.steps, to, x, y)}
                fill="none"
                strokeWidth={2}
                stroke={colours[index % colours.length]}
                strokeDasharray={dashes[index % dashes.length]}
              />
            ))}
            {at !== null && at >= from && at <= to && (
              <line x1={x(at)} x2={x(at)} y1={edge.top} y2={height - edge.bottom} className={classes.cursor} />
            )}
          </svg>
        )}
      </div>
      <figcaption className={classes.legend}>
        {at !== null && <span className={classes.moment}>{format.moment(new Date(Math.min(Math.max(at, from), to)).toISOString())}</span>}
        {ordered.map((line, index) => {
          const value = valueAt(line.steps, at ?? to);
          return (
            <span key={line.name} className={classes.entry}>
              <svg width="22" height="10" aria-hidden="true">
                <line
                  x1="0"
                  x2="22"
                  y1="5"
                  y2="5"
                  strokeWidth="2.500"
                  stroke={colours[index % colours.length]}
                  strokeDasharray={dashes[index % dashes.length]}
                />
              </svg>
              {line.name} <b>{value === undefined ? '—' : show(value)}</b>
            </span>
          );
        })}
      </figcaption>
    </figure>
  );
}

/** The value that held at a moment. `steps` stand in the order of time. */
export function valueAt(steps: Step[], at: number): string | undefined {
  let found: string | undefined;
  for (const step of steps) {
    if (Date.parse(step.at) > at) break;
    found = step.until && Date.parse(step.until) <= at ? undefined : step.value;
  }
  return found;
}

function stepPath(steps: Step[], to: number, x: (at: number) => number, y: (value: number) => number): string {
  let path = '';
  let joined = false;
  steps.forEach((step, index) => {
    const start = x(Date.parse(step.at));
    const next = steps[index + 1];
    const end = Math.min(step.until ? Date.parse(step.until) : next ? Date.parse(next.at) : to, to);
    const level = y(approximate(step.value));
    path += joined ? ` V ${level}` : ` M ${start} ${level}`;
    path += ` H ${x(end)}`;
    joined = next !== undefined && end === Date.parse(next.at);
  });
  return path.trim();
}
