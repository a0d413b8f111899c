import { createRoute } from '@tanstack/react-router';
import { NotFound } from '../features/shell/not-found';
import { shellRoute } from './shell';

/** Every address that no other route knows. */
export const notFoundRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '$',
  component: NotFound,
});
