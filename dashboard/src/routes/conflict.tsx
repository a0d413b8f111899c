import { createRoute } from '@tanstack/react-router';
import { lazy } from 'react';
import { paths } from '../paths';
import { shellRoute } from './shell';

const ConflictPage = lazy(() =>
  import('../features/conflicts/conflict-page').then((page) => ({ default: page.ConflictPage })),
);

export const conflictRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.conflict,
  component: function Conflict() {
    const { conflictId } = conflictRoute.useParams();
    const navigate = conflictRoute.useNavigate();
    return (
      <ConflictPage
        key={conflictId}
        conflictId={conflictId}
        onResolved={() => void navigate({ to: paths.conflicts })}
      />
    );
  },
});
