import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { storesQuery } from '../api/stores';

/** Chooses one store, or all. */
export function StoreFilter({ value, onChange }: { value?: string; onChange: (store: string | undefined) => void }) {
  const { t } = useTranslation();
  const stores = useQuery(storesQuery);
  return (
    <Select
      aria-label={t('common.store')}
      placeholder={t('common.allStores')}
      data={(stores.data?.items ?? []).map((store) => ({ value: store.id, label: store.name }))}
      value={value ?? null}
      onChange={(store) => onChange(store ?? undefined)}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('common.clear') }}
      nothingFoundMessage={t('common.nothingFound')}
      w={220}
    />
  );
}
