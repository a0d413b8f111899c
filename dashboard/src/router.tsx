import type { QueryClient } from '@tanstack/react-query';
import { createRouter } from '@tanstack/react-router';
import { conflictRoute } from './routes/conflict';
import { conflictsRoute } from './routes/conflicts';
import { inventoryRoute } from './routes/inventory';
import { jobsRoute } from './routes/jobs';
import { loginRoute } from './routes/login';
import { overviewRoute } from './routes/overview';
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
  ]),
]);

export function makeRouter(queries: QueryClient) {
  return createRouter({ routeTree: tree, context: { queries }, scrollRestoration: true });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
