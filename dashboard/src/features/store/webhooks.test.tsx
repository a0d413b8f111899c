import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { openAt } from '../../test-render';

const secret = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const path = '/v1/webhooks/0190a000-0000-4000-8000-000000000001';

const till = {
  id: 'w1',
  store_id: 's1',
  store_name: 'Chacao',
  name: 'Online till',
  system_type: 'custom',
  connector: 'webhook',
  mapping_name: 'pos-service',
  mapping_version: 1,
  connection: {},
  active: true,
  last_sync_at: null,
  created_at: '2026-11-01T00:00:00Z',
  webhook: {
    path,
    events: 1234,
    last_event_at: new Date(Date.now() - 60_000).toISOString(),
    last_refusal_at: null as string | null,
    last_refusal: null as string | null,
    rotated_at: null,
    previous_until: null,
    deactivated_at: null as string | null,
  },
};

const detail = (systems: object[]) => ({
  now: new Date().toISOString(),
  overview: {
    id: 's1',
    name: 'Chacao',
    city: null,
    state: 'ok',
    systems: ['custom'],
    last_sync_at: null,
    last_sync_age: null,
    last_seen_at: null,
    queue: { batches: 0, bytes: 0, oldest_at: null },
    streams: { total: 0, ok: 0, syncing: 0, retrying: 0, halted: 0 },
    rejects_open: 0,
    conflicts_open: 0,
    last_error: null,
    update_problem: null,
  },
  agents: [],
  pos_systems: systems,
  streams: [],
  jobs: [],
  rejects: [],
});

function ingest(systems: object[], role = 'admin', asked: string[] = []) {
  const handout = { pos_system_id: 'w1', store_id: 's1', path, secret, previous_until: null as string | null };
  return (url: URL, method: string): [number, unknown?] => {
    if (method === 'POST') asked.push(url.pathname);
    if (url.pathname === '/v1/me') {
      const me = { user_id: 'u', email: 'a@b.c', name: 'Ana', tenant_id: 't', tenant_name: 'T', session_expires_at: '2027-01-01T00:00:00Z' };
      return [200, { ...me, role }];
    }
    if (url.pathname === '/v1/stores/s1') return [200, detail(systems)];
    if (url.pathname === '/v1/stores/s1/webhooks') return [201, handout];
    if (url.pathname === '/v1/webhooks/w1/rotate') return [200, { ...handout, previous_until: '2026-11-22T12:00:00Z' }];
    if (url.pathname === '/v1/webhooks/w1/deactivate') return [204];
    return [404, { title: 'not found', status: 404 }];
  };
}

it('hands out address and secret once, when a webhook is made', async () => {
  const user = userEvent.setup();
  openAt('/stores/s1', ingest([]));
  await user.click(await screen.findByRole('button', { name: 'Add a webhook' }));
  const form = await screen.findByRole('dialog', { name: 'Add a webhook' });
  await user.type(within(form).getByLabelText('Name'), 'Online till');
  await user.click(within(form).getByRole('button', { name: 'Add' }));
  const handout = await screen.findByRole('dialog', { name: 'Address and secret of the webhook' });
  expect(within(handout).getByLabelText('Secret').textContent).toBe(secret);
  expect(within(handout).getByLabelText('Address').textContent).toBe(window.location.origin + path);
  await user.click(within(handout).getByRole('button', { name: 'I have kept it' }));
  await waitFor(() => expect(screen.queryByText(secret)).toBeNull());
});

it('shows when the last event came, and why calls are refused', async () => {
  const refused = { ...till.webhook, last_refusal_at: new Date().toISOString(), last_refusal: 'no signature fits' };
  openAt('/stores/s1', ingest([{ ...till, webhook: refused }]));
  expect(await screen.findByText('Calls are refused')).toBeDefined();
  expect(screen.getByText('no signature fits')).toBeDefined();
  expect(screen.getByText('1,234')).toBeDefined();
});

it('replaces the secret and deactivates only after asking', async () => {
  const user = userEvent.setup();
  const asked: string[] = [];
  openAt('/stores/s1', ingest([till], 'admin', asked));
  await user.click(await screen.findByRole('button', { name: 'Replace the secret' }));
  const question = await screen.findByRole('dialog', { name: 'Replace the secret of Online till?' });
  expect(asked).toEqual([]);
  await user.click(within(question).getByRole('button', { name: 'Replace the secret' }));
  expect(await screen.findByText(secret)).toBeDefined();
  await user.click(screen.getByRole('button', { name: 'I have kept it' }));
  await user.click(await screen.findByRole('button', { name: 'Deactivate' }));
  const warning = await screen.findByRole('dialog', { name: 'Deactivate Online till?' });
  await user.click(within(warning).getByRole('button', { name: 'Deactivate' }));
  await waitFor(() => expect(asked).toEqual(['/v1/webhooks/w1/rotate', '/v1/webhooks/w1/deactivate']));
});

it('offers nothing for a webhook that has ended, and a viewer nothing at all', async () => {
  const ended = { ...till, active: false, webhook: { ...till.webhook, deactivated_at: '2026-11-20T12:00:00Z' } };
  const { unmount } = openAt('/stores/s1', ingest([ended]));
  expect(await screen.findByText('Deactivated')).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Deactivate' })).toBeNull();
  unmount();
  openAt('/stores/s1', ingest([till], 'viewer'));
  expect(await screen.findByText('Online till')).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Replace the secret' })).toBeNull();
  expect(screen.queryByRole('button', { name: 'Add a webhook' })).toBeNull();
});
