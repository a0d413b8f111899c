import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { productQuery } from '../../api/products';
import type { ProductDetail } from '../../api/types';
import { ProblemNotice } from '../../domain/problem-notice';
import { sign } from '../../format/decimal';
import { useFormat } from '../../format/use-format';
import { useWord } from '../../i18n/use-word';
import { paths } from '../../paths';
import { Age } from '../../ui/age';
import { type Column, DataTable } from '../../ui/data-table';
import { Empty } from '../../ui/empty';
import { Facts } from '../../ui/facts';
import { Icon } from '../../ui/icon';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { StateBadge } from '../../ui/state-badge';
import { TextLink } from '../../ui/text-link';
import { History } from './history';
import classes from './product-page.module.css';

/** One product: what each store has of it and asks for it, where that comes from, and how it was before. */
export function ProductPage({ productId }: { productId: string }) {
  const { t } = useTranslation();
  const product = useQuery(productQuery(productId));
  const back = (
    <div className={classes.back}>
      <TextLink to={paths.inventory}>← {t('nav.inventory')}</TextLink>
    </div>
  );
  if (!product.data) {
    return (
      <Page title={t('inventory.product')} before={back}>
        {product.isError ? (
          <ProblemNotice error={product.error} onRetry={() => void product.refetch()} />
        ) : (
          <Skeleton height={320} radius="md" />
        )}
      </Page>
    );
  }
  const detail = product.data;
  return (
    <Page title={detail.product.name} before={back} about={<About detail={detail} />}>
      <div className={classes.stack}>
        <Panel>
          <General detail={detail} />
        </Panel>
        <div className={classes.pair}>
          <Stock detail={detail} />
          <Prices detail={detail} />
        </div>
        <History product={detail} />
        <Sources detail={detail} />
      </div>
    </Page>
  );
}

function About({ detail: { product } }: { detail: ProductDetail }) {
  const { t } = useTranslation();
  return (
    <span className={classes.about}>
      <code className={classes.code}>{product.sku}</code>
      {!product.active && <StateBadge tone="mute" word={t('inventory.inactive')} size="sm" />}
      <span>{[product.brand, product.category].filter(Boolean).join(' · ')}</span>
    </span>
  );
}

function General({ detail }: { detail: ProductDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { product } = detail;
  return (
    <>
      <Facts
        items={[
          {
            name: t('inventory.onHandAll'),
            value: `${format.quantity(product.on_hand)} ${product.unit ?? ''}`,
          },
          { name: t('product.tax'), value: detail.tax_rate == null ? '—' : `${format.quantity(detail.tax_rate)} %` },
          { name: t('product.soldIn'), value: t('product.stores', { count: new Set(detail.sources.map((s) => s.store_id)).size }) },
          { name: t('product.updated'), value: <Age at={product.updated_at} /> },
        ]}
      />
      {detail.description && <p className={classes.description}>{detail.description}</p>}
      {product.barcodes.length > 0 && (
        <ul className={classes.barcodes} aria-label={t('product.barcodes')}>
          {product.barcodes.map((code) => (
            <li key={code}>
              <Icon name="barcode" size={16} /> {code}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Stock({ detail }: { detail: ProductDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns: Column<ProductDetail['stock'][number]>[] = [
    {
      key: 'store',
      header: t('common.store'),
      lead: true,
      cell: (stock) => (
        <div>
          {stock.store_name}
          {(stock.location_name ?? stock.location) && <div className={classes.sub}>{stock.location_name ?? stock.location}</div>}
        </div>
      ),
    },
    {
      key: 'onHand',
      header: t('inventory.onHand'),
      numeric: true,
      cell: (stock) => (
        <b className={classes.quantity} data-sign={sign(stock.on_hand)}>
          {format.quantity(stock.on_hand)}
        </b>
      ),
    },
    {
      key: 'limits',
      header: t('product.limits'),
      numeric: true,
      cell: (stock) =>
        stock.minimum == null && stock.maximum == null
          ? '—'
          : `${stock.minimum == null ? '–' : format.quantity(stock.minimum)} / ${stock.maximum == null ? '–' : format.quantity(stock.maximum)}`,
    },
    { key: 'at', header: t('product.updated'), cell: (stock) => <Age at={stock.updated_at} /> },
  ];
  return (
    <Panel title={t('product.stockByStore')} flush>
      {detail.stock.length === 0 ? (
        <Empty icon="inventory" title={t('product.noStock')} />
      ) : (
        <DataTable
          label={t('product.stockByStore')}
          columns={columns}
          rows={detail.stock}
          rowKey={(stock) => `${stock.pos_system_id} ${stock.location ?? ''}`}
        />
      )}
    </Panel>
  );
}

function Prices({ detail }: { detail: ProductDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const word = useWord();
  const columns: Column<ProductDetail['prices'][number]>[] = [
    {
      key: 'store',
      header: t('common.store'),
      lead: true,
      cell: (price) => (
        <div>
          {price.store_name}
          <div className={classes.sub}>{price.list === 'default' ? t('product.defaultList') : price.list}</div>
        </div>
      ),
    },
    {
      key: 'amount',
      header: t('inventory.price'),
      numeric: true,
      cell: (price) => (
        <span>
          <b>{format.money(price.amount, price.currency)}</b>
          {price.tax && <div className={classes.sub}>{word('tax', price.tax)}</div>}
        </span>
      ),
    },
    {
      key: 'min',
      header: t('product.fromQuantity'),
      numeric: true,
      cell: (price) => (price.min_quantity == null ? '—' : format.quantity(price.min_quantity)),
    },
    { key: 'at', header: t('product.updated'), cell: (price) => <Age at={price.updated_at} /> },
  ];
  return (
    <Panel title={t('product.pricesByStore')} flush>
      {detail.prices.length === 0 ? (
        <Empty icon="inventory" title={t('product.noPrices')} />
      ) : (
        <DataTable
          label={t('product.pricesByStore')}
          columns={columns}
          rows={detail.prices}
          rowKey={(price) => `${price.pos_system_id} ${price.list} ${price.currency} ${price.min_quantity ?? ''}`}
        />
      )}
    </Panel>
  );
}

function Sources({ detail }: { detail: ProductDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns: Column<ProductDetail['sources'][number]>[] = [
    {
      key: 'store',
      header: t('common.store'),
      lead: true,
      cell: (source) => (
        <div>
          <TextLink to={paths.store} params={{ storeId: source.store_id }}>
            {source.store_name}
          </TextLink>
          <div className={classes.sub}>{source.pos_system}</div>
        </div>
      ),
    },
    { key: 'id', header: t('product.externalId'), cell: (source) => <code className={classes.code}>{source.external_id}</code> },
    { key: 'sku', header: 'SKU', cell: (source) => <code className={classes.code}>{source.sku}</code> },
    { key: 'name', header: t('product.nameThere'), cell: (source) => source.name },
    {
      key: 'cost',
      header: t('product.cost'),
      numeric: true,
      cell: (source) => (source.cost != null && source.currency ? format.money(source.cost, source.currency) : '—'),
    },
    { key: 'at', header: t('product.updated'), cell: (source) => <Age at={source.updated_at} /> },
  ];
  return (
    <Panel title={t('product.sources')} note={t('product.sourcesNote')} flush>
      <DataTable
        label={t('product.sources')}
        columns={columns}
        rows={detail.sources}
        rowKey={(source) => `${source.pos_system_id} ${source.external_id}`}
      />
    </Panel>
  );
}
