import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Product, Store } from '../../api/types';
import { sign } from '../../format/decimal';
import { useFormat } from '../../format/use-format';
import { paths } from '../../paths';
import { type Column, DataTable } from '../../ui/data-table';
import { StateBadge } from '../../ui/state-badge';
import { TextLink } from '../../ui/text-link';
import classes from './product-table.module.css';

/** So many stores stand as columns; more open under the row. */
const columnsAtMost = 4;

type InStore = Product['stores'][number];

export function ProductTable({ products, stores, loading }: { products: Product[]; stores: Store[]; loading: boolean }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const wide = stores.length <= columnsAtMost;

  const columns: Column<Product>[] = [
    {
      key: 'name',
      header: t('inventory.product'),
      lead: true,
      cell: (product) => (
        <div>
          <TextLink to={paths.product} params={{ productId: product.id }}>
            {product.name}
          </TextLink>{' '}
          {!product.active && <StateBadge tone="mute" word={t('inventory.inactive')} size="sm" />}
          <div className={classes.sub}>
            <code>{product.sku}</code>
            {[product.brand, product.category].filter(Boolean).map((text) => (
              <span key={text}>{text}</span>
            ))}
          </div>
        </div>
      ),
    },
    {
      key: 'barcode',
      header: t('inventory.barcode'),
      quiet: (product) => product.barcodes.length === 0,
      cell: (product) =>
        product.barcodes.length === 0 ? (
          <span className={classes.none}>—</span>
        ) : (
          <span className={classes.code}>
            {product.barcodes[0]}
            {product.barcodes.length > 1 && <span className={classes.more}>+{product.barcodes.length - 1}</span>}
          </span>
        ),
    },
    {
      key: 'total',
      header: t('inventory.onHand'),
      numeric: true,
      cell: (product) => (
        <b>
          <Quantity value={product.on_hand} /> {product.unit && <span className={classes.unit}>{product.unit}</span>}
        </b>
      ),
    },
  ];

  if (wide) {
    for (const store of stores) {
      columns.push({
        key: store.id,
        header: store.name,
        numeric: true,
        quiet: (product) => !product.stores.some((entry) => entry.store_id === store.id),
        cell: (product) => <Cell entry={product.stores.find((entry) => entry.store_id === store.id)} />,
      });
    }
  } else {
    columns.push({
      key: 'stores',
      header: t('nav.stores'),
      tight: true,
      cell: (product) => (
        <Button
          size="compact-xs"
          variant="light"
          aria-expanded={opened.has(product.id)}
          onClick={() => {
            const next = new Set(opened);
            if (!next.delete(product.id)) next.add(product.id);
            setOpened(next);
          }}
        >
          {t('inventory.inStores', { count: product.stores.length })}
        </Button>
      ),
    });
  }

  return (
    <DataTable
      label={t('nav.inventory')}
      columns={columns}
      rows={products}
      rowKey={(product) => product.id}
      loading={loading}
      below={(product) =>
        !wide &&
        opened.has(product.id) && (
          <ul className={classes.stores}>
            {product.stores.map((entry) => (
              <li key={entry.store_id}>
                <span>{entry.store_name}</span>
                <Cell entry={entry} />
              </li>
            ))}
          </ul>
        )
      }
    />
  );
}

/** What one store has: stock above, price below. */
function Cell({ entry }: { entry?: InStore }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (!entry) return <span className={classes.none}>—</span>;
  return (
    <span className={classes.cell}>
      <span>{entry.on_hand == null ? '—' : <Quantity value={entry.on_hand} />}</span>
      <span className={classes.price}>
        {entry.price != null && entry.currency ? format.money(entry.price, entry.currency) : t('inventory.noPrice')}
      </span>
    </span>
  );
}

/** Red when more was sold than was there. */
function Quantity({ value }: { value: string }) {
  const format = useFormat();
  return (
    <span data-sign={sign(value)} className={classes.quantity}>
      {format.quantity(value)}
    </span>
  );
}
