import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { makeQueries } from './queries';
import { makeRouter } from './router';
import { cssVariables, theme } from './theme/theme';

export function App() {
  const [{ queries, router }] = useState(() => {
    const queries = makeQueries(() => void router.invalidate());
    const router = makeRouter(queries);
    return { queries, router };
  });
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" autoClose={5_000} />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  );
}
