import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { openAt } from './test-render';

const me = {
  user_id: 'u',
  email: 'ana@example.com',
  name: 'Ana',
  role: 'admin',
  tenant_id: 't',
  tenant_name: 'Bodegones del Valle',
  session_expires_at: '2027-01-01T00:00:00Z',
};

const green = {
  id: 's1',
  name: 'Sucursal Chacao',
  city: 'Caracas',
  state: 'ok',
  systems: ['systimax'],
  last_sync_at: new Date(Date.now() - 4_000).toISOString(),
  last_sync_age: 4,
  last_seen_at: new Date().toISOString(),
  queue: { batches: 0, bytes: 0, oldest_at: null },
  streams: { total: 3, ok: 3, syncing: 0, retrying: 0, halted: 0 },
  rejects_open: 0,
  conflicts_open: 0,
  last_error: null,
  update_problem: null,
};

const overview = (stores: object[]) => ({
  now: new Date().toISOString(),
  tenant_name: me.tenant_name,
  metrics: {
    pos_systems_active: 1,
    sync_jobs_today: 12,
    sync_success_rate: null,
    avg_sync_duration: null,
    conflicts_unresolved: 0,
    rejects_open: 0,
    last_sync_by_system: {},
    data_volume_today: { products: 20000, sales: 3, movements: 0 },
  },
  stores,
});

function ingest(stores: object[], role = 'admin') {
  return (url: URL): [number, unknown?] => {
    switch (url.pathname) {
      case '/v1/me':
        return [200, { ...me, role }];
      case '/v1/overview':
        return [200, overview(stores)];
      case '/v1/stores':
        return [200, { items: [{ id: 's1', name: 'Sucursal Chacao', city: 'Caracas', created_at: '2026-11-01T00:00:00Z' }] }];
      default:
        return [404, { title: 'not found', status: 404 }];
    }
  };
}

it('answers at a glance whether all stores are in sync, by colour, icon and word', async () => {
  openAt('/', ingest([green]));
  expect(await screen.findByText('The store is in sync')).toBeDefined();
  const state = screen.getByTestId('store-state');
  expect(state.dataset.state).toBe('ok');
  expect(within(state).getByText('In sync').querySelector('svg')).not.toBeNull();
});

it('says what needs a person, and what to do', async () => {
  const last_error = { at: null, pos_system: 'systimax', stream: 'items', message: 'column costo is missing', hint: 'Add it.' };
  openAt('/', ingest([{ ...green, state: 'failing', last_error }]));
  expect(await screen.findByText('1 of 1 stores needs a person')).toBeDefined();
  expect(screen.getByText(/column costo is missing/)).toBeDefined();
  expect(screen.getByText('Add it.')).toBeDefined();
});

it('leads from nothing to the first store', async () => {
  const user = userEvent.setup();
  const { router } = openAt('/', ingest([]));
  await user.click(await screen.findByRole('link', { name: 'Add the first store' }));
  await waitFor(() => expect(router.state.location.href).toBe('/stores?create=true'));
  expect(await screen.findByRole('dialog', { name: 'Add a store' })).toBeDefined();
});

it('asks for a login and comes back to where the person wanted to go', async () => {
  const user = userEvent.setup();
  let loggedIn = false;
  const answer = ingest([green]);
  const { router } = openAt('/stores', (url, method) => {
    if (url.pathname === '/v1/session') {
      loggedIn = method === 'POST';
      return [204];
    }
    return loggedIn ? answer(url) : [401, { title: 'not logged in', status: 401 }];
  });
  await user.type(await screen.findByLabelText('E-mail'), 'ana@example.com');
  await user.type(screen.getByLabelText('Password'), 'secret');
  await user.click(screen.getByRole('button', { name: 'Log in' }));
  expect(await screen.findByRole('heading', { name: 'Stores', level: 1 })).toBeDefined();
  expect(router.state.location.pathname).toBe('/stores');
});

it('tells a wrong password from a service that is away', async () => {
  const user = userEvent.setup();
  let status = 401;
  openAt('/login', () => [status, { title: 'Wrong', code: 'wrong_login', status }]);
  await user.type(await screen.findByLabelText('E-mail'), 'ana@example.com');
  await user.type(screen.getByLabelText('Password'), 'wrong');
  await user.click(screen.getByRole('button', { name: 'Log in' }));
  expect(await screen.findByText('E-mail or password is wrong')).toBeDefined();
  status = 502;
  await user.click(screen.getByRole('button', { name: 'Log in' }));
  expect(await screen.findByText('Fluxion does not answer')).toBeDefined();
});

it('offers a viewer nothing that the server would refuse', async () => {
  openAt('/stores', ingest([green], 'viewer'));
  expect(await screen.findByRole('link', { name: 'Sucursal Chacao' })).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Add a store' })).toBeNull();
  expect(screen.queryByRole('button', { name: 'Agent code' })).toBeNull();
});

it('says so when there is no such page', async () => {
  openAt('/no/such/page', ingest([green]));
  expect(await screen.findByText('There is no page at this address')).toBeDefined();
});
