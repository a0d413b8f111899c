import { createRoute } from '@tanstack/react-router';
import { OverviewPage } from '../features/overview/overview-page';
import { paths } from '../paths';
import { shellRoute } from './shell';

export const overviewRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: paths.overview,
  component: OverviewPage,
});
