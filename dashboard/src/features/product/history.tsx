import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { productHistoryQuery } from '../../api/products';
import type { ProductDetail } from '../../api/types';
import { ProblemNotice } from '../../domain/problem-notice';
import { useFormat } from '../../format/use-format';
import { useNow } from '../../format/use-now';
import { type Column, DataTable } from '../../ui/data-table';
import { Choice } from '../../ui/filters';
import { Panel } from '../../ui/panel';
import { StepChart } from '../../ui/step-chart';
import { currencies, priceSeries, stockSeries } from './history-series';
import classes from './product-page.module.css';

interface Change {
  key: string;
  at: string;
  until?: string | null;
  where: string;
  value: string;
  version?: number | null;
}

const rowsAtMost = 25;

/** How prices and stock came to be what they are: a chart, and the same as a table. */
export function History({ product }: { product: ProductDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = useNow();
  const history = useQuery(productHistoryQuery(product.product.id));
  const [wanted, setWanted] = useState<string>();

  if (history.isPending) return <Skeleton height={300} radius="md" />;
  if (!history.data) return <ProblemNotice error={history.error} onRetry={() => void history.refetch()} />;

  const stores = new Map(product.sources.map((source) => [source.store_id, source.store_name]));
  const names = { store: (id: string) => stores.get(id) ?? t('common.store') };
  const money = currencies(history.data);
  const views = [...money, ...(history.data.stock.length > 0 ? ['stock'] : [])];
  const view = wanted && views.includes(wanted) ? wanted : views[0];
  if (view === undefined) return null;

  const isStock = view === 'stock';
  const series = isStock ? stockSeries(history.data, names) : priceSeries(history.data, view, names);
  const show = (value: string) => (isStock ? format.quantity(value) : format.money(value, view));
  const changes: Change[] = isStock
    ? history.data.stock.map((point) => ({
        key: `${point.pos_system_id} ${point.location ?? ''} ${point.valid_from}`,
        at: point.valid_from,
        until: point.valid_to,
        where: [names.store(point.store_id), point.location].filter(Boolean).join(' · '),
        value: show(point.on_hand),
        version: point.mapping_version,
      }))
    : history.data.prices
        .filter((point) => point.currency === view)
        .map((point) => ({
          key: `${point.pos_system_id} ${point.list} ${point.valid_from}`,
          at: point.valid_from,
          until: point.valid_to,
          where: [names.store(point.store_id), point.list === 'default' ? '' : point.list].filter(Boolean).join(' · '),
          value: show(point.amount),
          version: point.mapping_version,
        }));

  const columns: Column<Change>[] = [
    { key: 'where', header: t('common.store'), lead: true, cell: (change) => change.where },
    { key: 'value', header: isStock ? t('inventory.onHand') : t('inventory.price'), numeric: true, cell: (change) => change.value },
    { key: 'from', header: t('product.validFrom'), cell: (change) => format.moment(change.at) },
    { key: 'to', header: t('product.validTo'), cell: (change) => (change.until ? format.moment(change.until) : t('product.holds')) },
    { key: 'version', header: t('product.mappingVersion'), numeric: true, cell: (change) => change.version ?? '—' },
  ];

  return (
    <Panel
      title={t('product.history')}
      flush
      actions={
        <Choice
          label={t('product.history')}
          value={view}
          options={views.map((value) => ({
            value,
            label: value === 'stock' ? t('product.stock') : `${t('inventory.price')} ${value}`,
          }))}
          onChange={setWanted}
        />
      }
    >
      <div className={classes.chart}>
        <StepChart label={t('product.history')} series={series} now={now} show={show} />
      </div>
      <details className={classes.details}>
        <summary>{t('product.asTable', { count: changes.length })}</summary>
        <DataTable label={t('product.history')} columns={columns} rows={changes.slice(0, rowsAtMost)} rowKey={(change) => change.key} />
      </details>
    </Panel>
  );
}
