import { createRoute } from '@tanstack/react-router';
import { lazy } from 'react';
import { readConflictSearch } from '../features/conflicts/search';
import { paths } from '../paths';
import { shellRoute } from './shell';

const ConflictsPage = lazy(() =>
  import('../features/conflicts/conflicts-page').then((page) => ({ default: page.ConflictsPage })),
);

export const conflictsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.conflicts,
  validateSearch: readConflictSearch,
  component: function Conflicts() {
    const navigate = conflictsRoute.useNavigate();
    return (
      <ConflictsPage
        filter={conflictsRoute.useSearch()}
        onFilter={(search) => void navigate({ search, replace: true })}
      />
    );
  },
});
