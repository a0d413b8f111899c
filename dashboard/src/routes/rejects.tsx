import { createRoute } from '@tanstack/react-router';
import { lazy } from 'react';
import { readRejectSearch } from '../features/rejects/search';
import { paths } from '../paths';
import { shellRoute } from './shell';

const RejectsPage = lazy(() => import('../features/rejects/rejects-page').then((page) => ({ default: page.RejectsPage })));

export const rejectsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.rejects,
  validateSearch: readRejectSearch,
  component: function Rejects() {
    const navigate = rejectsRoute.useNavigate();
    return (
      <RejectsPage filter={rejectsRoute.useSearch()} onFilter={(search) => void navigate({ search, replace: true })} />
    );
  },
});
