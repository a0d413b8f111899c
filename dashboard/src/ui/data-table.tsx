import { Skeleton } from '@mantine/core';
import { Fragment, type ReactNode } from 'react';
import classes from './data-table.module.css';

export interface Column<Row> {
  /** Names the column for React and for tests. */
  key: string;
  header: ReactNode;
  cell: (row: Row) => ReactNode;
  /** Numbers stand to the right, in figures of one width. */
  numeric?: boolean;
  /** On a phone it becomes the card's title. */
  lead?: boolean;
  /** Whether a phone may leave it out for this row, because it says nothing: a zero, a dash. */
  quiet?: (row: Row) => boolean;
  /** Keeps the column as narrow as its content. */
  tight?: boolean;
}

/** So many columns stand in pairs on a phone, lest every row fill the screen. */
const manyColumns = 7;

/** A table that becomes a list of cards where the screen is narrow. */
export function DataTable<Row>({
  label,
  columns,
  rows,
  rowKey,
  loading = false,
  below,
}: {
  /** What it lists, for screen readers. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  loading?: boolean;
  /** Something that opens under a row. */
  below?: (row: Row) => ReactNode;
}) {
  return (
    <div className={classes.wrap} data-many={columns.length > manyColumns || undefined}>
      <table className={classes.table} aria-label={label} aria-busy={loading} role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.key} scope="col" role="columnheader" data-numeric={column.numeric} data-tight={column.tight}>
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {loading
            ? [0, 1, 2, 3, 4].map((row) => (
                <tr key={row} role="row">
                  {columns.map((column) => (
                    <td key={column.key} role="cell" data-lead={column.lead}>
                      <Skeleton height={14} width={column.lead ? '70%' : '45%'} my={3} />
                    </td>
                  ))}
                </tr>
              ))
            : rows.map((row) => {
                const more = below?.(row);
                return (
                  <Fragment key={rowKey(row)}>
                    <tr role="row">
                      {columns.map((column) => (
                        <td
                          key={column.key}
                          role="cell"
                          data-numeric={column.numeric}
                          data-lead={column.lead}
                          data-tight={column.tight}
                          data-quiet={column.quiet?.(row) || undefined}
                        >
                          {!column.lead && (
                            <span className={classes.label} aria-hidden="true">
                              {column.header}
                            </span>
                          )}
                          <div className={classes.value}>{column.cell(row)}</div>
                        </td>
                      ))}
                    </tr>
                    {more && (
                      <tr className={classes.below} role="row">
                        <td role="cell" colSpan={columns.length}>
                          {more}
                        </td>
                      </tr>
                    )}
                  </Fragment>
                );
              })}
        </tbody>
      </table>
    </div>
  );
}
