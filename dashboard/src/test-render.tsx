import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider, createMemoryHistory } from '@tanstack/react-router';
import { render } from '@testing-library/react';
import { makeQueries } from './queries';
import { makeRouter } from './router';
import { theme } from './theme/theme';

type Answer = (url: URL, method: string) => [status: number, body?: unknown];

/** The dashboard at an address, with ingest's answers given by the test. */
export function openAt(address: string, answer: Answer) {
  globalThis.fetch = async (input) => {
    const request = input as Request;
    const [status, body] = answer(new URL(request.url), request.method);
    return new Response(body === undefined ? null : JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json' },
    });
  };
  const queries = makeQueries(() => void router.invalidate());
  const router = makeRouter(queries, createMemoryHistory({ initialEntries: [address] }));
  const view = render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { router, ...view };
}
