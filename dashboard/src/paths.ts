/** Every address of the dashboard. Links are built from these and from nothing else. */
export const paths = {
  login: '/login',
  overview: '/',
  stores: '/stores',
  store: '/stores/$storeId',
  jobs: '/jobs',
  inventory: '/inventory',
  product: '/inventory/$productId',
  conflicts: '/conflicts',
  conflict: '/conflicts/$conflictId',
  rejects: '/rejects',
} as const;
