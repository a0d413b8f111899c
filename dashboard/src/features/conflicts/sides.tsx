import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { posSystemsQuery } from '../../api/pos-systems';
import type { Conflict } from '../../api/types';
import { isDecimal } from '../../format/decimal';
import { useFormat } from '../../format/use-format';
import { useWord } from '../../i18n/use-word';
import { Panel } from '../../ui/panel';
import { type Difference, type Side, compareSides, sidesOf } from './compare';
import classes from './conflicts.module.css';

const quantities = new Set(['on_hand', 'quantity', 'expected']);
const amounts = new Set(['price', 'cost', 'amount']);
const moment = /^\d{4}-\d\d-\d\dT/;

/** What each side says, field by field, with the differences marked. */
export function Sides({ conflict }: { conflict: Conflict }) {
  const { t } = useTranslation();
  const word = useWord();
  const format = useFormat();
  const systems = useQuery(posSystemsQuery);
  const sides = sidesOf(conflict.pos_data, conflict.cloud_data);
  const rows = compareSides(sides);
  const currencies = rows.find((row) => row.field === 'currency')?.values;

  function title(side: Side): { main: string; sub?: string } {
    if (side.posSystemId === undefined) {
      return { main: side.origin === 'pos' ? t('conflicts.pos') : t('conflicts.cloud') };
    }
    const system = systems.data?.items.find((candidate) => candidate.id === side.posSystemId);
    return { main: system?.store_name ?? t('common.store'), sub: system?.name };
  }

  function show(row: Difference, index: number): string {
    const value = row.values[index];
    if (value === undefined || value === '') return '—';
    const currency = currencies?.[index];
    if (amounts.has(row.field) && currency) return format.money(value, currency);
    if (quantities.has(row.field) && isDecimal(value)) return format.quantity(value);
    return moment.test(value) ? format.moment(value) : value;
  }

  return (
    <Panel title={t('conflicts.sides')} flush>
      <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('conflicts.sides')}>
        <table className={classes.sides}>
          <thead>
            <tr>
              <th scope="col">{t('conflicts.field')}</th>
              {sides.map((side, index) => {
                const { main, sub } = title(side);
                return (
                  <th key={`${side.posSystemId ?? side.origin} ${side.externalId ?? index}`} scope="col">
                    {main}
                    {sub && <div className={classes.sub}>{sub}</div>}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {rows
              .filter((row) => row.field !== 'currency')
              .map((row) => (
                <tr key={row.field} data-differs={row.differs || undefined}>
                  <th scope="row">
                    {word('field', row.field, row.field)}
                    {row.differs && <span className={classes.mark}> ≠</span>}
                  </th>
                  {sides.map((side, index) => (
                    <td key={`${side.posSystemId ?? side.origin} ${side.externalId ?? index}`}>{show(row, index)}</td>
                  ))}
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
