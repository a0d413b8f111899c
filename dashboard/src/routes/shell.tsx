import { Outlet, createRoute, redirect } from '@tanstack/react-router';
import { Suspense } from 'react';
import { Problem } from '../api/problem';
import { meQuery } from '../api/session';
import { ErrorScreen } from '../features/shell/error-screen';
import { Shell } from '../features/shell/shell';
import { paths } from '../paths';
import { PageSkeleton } from '../ui/page-skeleton';
import { rootRoute } from './root';

/** What all pages behind the login share. It has no address of its own. */
export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queries.ensureQueryData(meQuery);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        throw redirect({ to: paths.login, search: location.pathname === '/' ? {} : { next: location.href } });
      }
      throw error;
    }
  },
  component: () => (
    <Shell>
      <Suspense fallback={<PageSkeleton />}>
        <Outlet />
      </Suspense>
    </Shell>
  ),
  pendingComponent: PageSkeleton,
  errorComponent: ErrorScreen,
});
