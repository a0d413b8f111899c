import { Button } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { type ProductFilter, productsQuery } from '../../api/products';
import { storesQuery } from '../../api/stores';
import { ProblemNotice } from '../../domain/problem-notice';
import { compact } from '../../domain/search';
import { StoreFilter } from '../../domain/store-filter';
import { Empty } from '../../ui/empty';
import { Filters } from '../../ui/filters';
import { LoadMore } from '../../ui/load-more';
import { Page } from '../../ui/page';
import { Panel } from '../../ui/panel';
import { SearchBox } from '../../ui/search-box';
import { ProductTable } from './product-table';

/** The unified inventory: every product once, with what each store has of it. */
export function InventoryPage({
  filter,
  onFilter,
}: {
  filter: ProductFilter;
  onFilter: (filter: ProductFilter) => void;
}) {
  const { t } = useTranslation();
  const stores = useQuery(storesQuery);
  const products = useInfiniteQuery({ ...productsQuery(filter), placeholderData: (previous) => previous });
  const items = products.data?.pages.flatMap((page) => page.items) ?? [];
  const shownStores = (stores.data?.items ?? []).filter((store) => filter.store === undefined || store.id === filter.store);
  const filtered = filter.search !== undefined || filter.store !== undefined;

  return (
    <Page title={t('nav.inventory')} about={t('inventory.about')}>
      <Filters label={t('common.filters')}>
        <SearchBox
          label={t('inventory.search')}
          placeholder={t('inventory.searchHint')}
          value={filter.search ?? ''}
          onChange={(search) => onFilter(compact({ ...filter, search: search === '' ? undefined : search }))}
        />
        <StoreFilter value={filter.store} onChange={(store) => onFilter(compact({ ...filter, store }))} />
      </Filters>
      {products.isError && !products.data ? (
        <ProblemNotice error={products.error} onRetry={() => void products.refetch()} />
      ) : (
        <Panel flush>
          {products.data && items.length === 0 ? (
            <Empty
              icon="inventory"
              title={filtered ? t('inventory.nothingFound') : t('inventory.empty')}
              action={
                filtered && (
                  <Button variant="default" onClick={() => onFilter({})}>
                    {t('common.clearFilters')}
                  </Button>
                )
              }
            >
              {filtered ? t('inventory.nothingFoundHint') : t('inventory.emptyHint')}
            </Empty>
          ) : (
            <ProductTable products={items} stores={shownStores} loading={products.isPending} />
          )}
          <LoadMore
            more={products.hasNextPage}
            loading={products.isFetchingNextPage}
            onMore={() => void products.fetchNextPage()}
          />
        </Panel>
      )}
    </Page>
  );
}
