import createClient from 'openapi-fetch';
import type { paths } from './schema';

/** The typed client. It speaks to the host that served the dashboard, with the session's cookie. */
export const client = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: 'same-origin',
  headers: { Accept: 'application/json, application/problem+json' },
  // Looked up at each call, so that tests can put another in its place.
  fetch: (request) => globalThis.fetch(request),
});
