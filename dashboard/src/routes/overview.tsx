import { createRoute } from '@tanstack/react-router';
import { OverviewPage } from '../features/overview/overview-page';
import { readOverviewSearch } from '../features/overview/search';
import { paths } from '../paths';
import { shellRoute } from './shell';

export const overviewRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.overview,
  validateSearch: readOverviewSearch,
  component: function Overview() {
    const navigate = overviewRoute.useNavigate();
    return (
      <OverviewPage search={overviewRoute.useSearch()} onSearch={(search) => void navigate({ search, replace: true })} />
    );
  },
});
