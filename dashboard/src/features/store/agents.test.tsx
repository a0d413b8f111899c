import { screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { Agent } from '../../api/types';
import { openAt } from '../../test-render';

type Update = NonNullable<Agent['update']>;

const detail = (update: Update | null) => ({
  now: new Date().toISOString(),
  overview: {
    id: 's1',
    name: 'Chacao',
    city: null,
    state: 'ok',
    systems: [],
    last_sync_at: null,
    last_sync_age: null,
    last_seen_at: null,
    queue: { batches: 0, bytes: 0, oldest_at: null },
    streams: { total: 0, ok: 0, syncing: 0, retrying: 0, halted: 0 },
    rejects_open: 0,
    conflicts_open: 0,
    last_error: null,
  },
  agents: [
    {
      id: 'a1',
      machine: 'CAJA-1',
      os: 'windows',
      version: '0.1.0',
      update,
      enrolled_at: '2026-11-01T00:00:00Z',
      last_seen_at: new Date().toISOString(),
      clock_skew_ms: 0,
      disk_free_bytes: 50_000_000_000,
      queue: { batches: 0, bytes: 0, oldest_at: null },
      revoked_at: null,
    },
  ],
  pos_systems: [],
  streams: [],
  jobs: [],
  rejects: [],
});

function ingest(update: Update | null) {
  return (url: URL): [number, unknown?] => {
    if (url.pathname === '/v1/me') {
      const me = { user_id: 'u', email: 'a@b.c', name: 'Ana', tenant_id: 't', tenant_name: 'T', session_expires_at: '2027-01-01T00:00:00Z' };
      return [200, { ...me, role: 'viewer' }];
    }
    if (url.pathname === '/v1/stores/s1') return [200, detail(update)];
    return [404, { title: 'not found', status: 404 }];
  };
}

it('shows the version alone while no newer one is offered', async () => {
  openAt('/stores/s1', ingest(null));
  expect(await screen.findByText('0.1.0')).toBeDefined();
});

it('shows how a newer version is getting on', async () => {
  openAt('/stores/s1', ingest({ target: '0.2.0', state: 'downloading', message: '40 %' }));
  expect(await screen.findByText('0.1.0, updating to 0.2.0 (downloading 40 %)')).toBeDefined();
});

it('shows why a newer version was left again', async () => {
  openAt('/stores/s1', ingest({ target: '0.2.0', state: 'rolled_back', message: 'it ended' }));
  expect(await screen.findByText('0.1.0; 0.2.0 was rolled back: it ended')).toBeDefined();
});
