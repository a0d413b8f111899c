import { createRoute } from '@tanstack/react-router';
import { lazy } from 'react';
import { readInventorySearch } from '../features/inventory/search';
import { paths } from '../paths';
import { shellRoute } from './shell';

const InventoryPage = lazy(() =>
  import('../features/inventory/inventory-page').then((page) => ({ default: page.InventoryPage })),
);

export const inventoryRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.inventory,
  validateSearch: readInventorySearch,
  component: function Inventory() {
    const navigate = inventoryRoute.useNavigate();
    return (
      <InventoryPage
        filter={inventoryRoute.useSearch()}
        onFilter={(search) => void navigate({ search, replace: true })}
      />
    );
  },
});
