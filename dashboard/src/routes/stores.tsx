import { createRoute } from '@tanstack/react-router';
import { lazy } from 'react';
import { readStoresSearch } from '../features/stores/search';
import { paths } from '../paths';
import { shellRoute } from './shell';

const StoresPage = lazy(() => import('../features/stores/stores-page').then((page) => ({ default: page.StoresPage })));

export const storesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.stores,
  validateSearch: readStoresSearch,
  component: function Stores() {
    const navigate = storesRoute.useNavigate();
    return <StoresPage search={storesRoute.useSearch()} onSearch={(search) => void navigate({ search })} />;
  },
});
