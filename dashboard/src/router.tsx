import type { QueryClient } from '@tanstack/react-query';
import { type RouterHistory, createRouter } from '@tanstack/react-router';
import { conflictRoute } from './routes/conflict';
import { conflictsRoute } from './routes/conflicts';
import { inventoryRoute } from './routes/inventory';
import { jobsRoute } from './routes/jobs';
import { loginRoute } from './routes/login';
import { overviewRoute } from './routes/overview';
import { notFoundRoute } from './routes/not-found';
import { productRoute } from './routes/product';
import { rejectsRoute } from './routes/rejects';
import { rootRoute } from './routes/root';
import { shellRoute } from './routes/shell';
import { storeRoute } from './routes/store';
import { storesRoute } from './routes/stores';

const tree = rootRoute.addChildren([
  loginRoute,
  shellRoute.addChildren([
    overviewRoute,
    storesRoute,
    storeRoute,
    jobsRoute,
    inventoryRoute,
    productRoute,
    conflictsRoute,
    conflictRoute,
    rejectsRoute,
    notFoundRoute,
  ]),
]);

/** The router over all pages. Tests give it a history of their own. */
export function makeRouter(queries: QueryClient, history?: RouterHistory) {
  return createRouter({ routeTree: tree, context: { queries }, scrollRestoration: true, history });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
