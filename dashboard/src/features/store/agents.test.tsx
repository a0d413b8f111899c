import { screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { Agent, UpdateProblem } from '../../api/types';
import { openAt } from '../../test-render';

type Update = NonNullable<Agent['update']>;

const detail = (update: Update | null, problem: UpdateProblem | null) => ({
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
    update_problem: problem,
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

function ingest(update: Update | null, problem: UpdateProblem | null = null) {
  return (url: URL): [number, unknown?] => {
    if (url.pathname === '/v1/me') {
      const me = { user_id: 'u', email: 'a@b.c', name: 'Ana', tenant_id: 't', tenant_name: 'T', session_expires_at: '2027-01-01T00:00:00Z' };
      return [200, { ...me, role: 'viewer' }];
    }
    if (url.pathname === '/v1/stores/s1') return [200, detail(update, problem)];
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

it('tells of an agent that went back: from which version, to which, why, and that the version is halted', async () => {
  const report: Update = { target: '0.2.0', state: 'rolled_back', message: 'it ended with code 3' };
  const problem = { at: new Date().toISOString(), machine: 'CAJA-1', version: '0.1.0', report, halted: true };
  openAt('/stores/s1', ingest(report, problem));
  const title = await screen.findByText('CAJA-1 went back from version 0.2.0 of the agent and runs 0.1.0.');
  const notice = title.closest('[data-tone]');
  expect(notice?.getAttribute('data-tone')).toBe('warn');
  expect(notice?.textContent).toContain('Reason: it ended with code 3. The store works as before.');
  expect(notice?.textContent).toContain('0.2.0 has been halted');
});
