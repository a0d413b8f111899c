import { act, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openAt } from '../../test-render';

const detail = {
  now: new Date().toISOString(),
  overview: {
    id: 's1',
    name: 'Chacao',
    city: null,
    state: 'silent',
    systems: [],
    last_sync_at: null,
    last_sync_age: null,
    last_seen_at: new Date(Date.now() - 86_400_000).toISOString(),
    queue: { batches: 0, bytes: 0, oldest_at: null },
    streams: { total: 0, ok: 0, syncing: 0, retrying: 0, halted: 0 },
    rejects_open: 0,
    conflicts_open: 0,
    last_error: null,
    update_problem: null,
  },
  agents: [],
  pos_systems: [],
  streams: [],
  jobs: [],
  rejects: [],
};

const report = {
  agent_id: 'a1',
  store_id: 's1',
  store_name: 'Chacao',
  made_at: '2026-11-20T12:00:00Z',
  outcome: 'complete',
  applied: 12,
  known: 3,
  inserted: 1_000,
  updated: 200,
  deleted: 34,
  rejected: 2,
  missing: null as number | null,
  receipt: 'FLUXION-RECEIPT 1 {}\nabc\n',
  receipt_name: 'fluxion-chacao.receipt',
};

function ingest(role: string) {
  return (url: URL): [number, unknown?] => {
    if (url.pathname === '/v1/me') {
      const me = { user_id: 'u', email: 'a@b.c', name: 'Ana', tenant_id: 't', tenant_name: 'T', session_expires_at: '2027-01-01T00:00:00Z' };
      return [200, { ...me, role }];
    }
    if (url.pathname === '/v1/stores/s1') return [200, detail];
    return [404, { title: 'not found', status: 404 }];
  };
}

/** An upload in the hands of the test. */
class Upload {
  static last: Upload | undefined;
  upload: { onprogress?: (event: { loaded: number }) => void } = {};
  onload?: () => void;
  onerror?: () => void;
  status = 0;
  responseText = '';
  sent: unknown;
  open = vi.fn();
  setRequestHeader = vi.fn();

  send(body: unknown) {
    this.sent = body;
    Upload.last = this;
  }

  answer(status: number, body: object) {
    this.status = status;
    this.responseText = JSON.stringify(body);
    act(() => this.onload?.());
  }
}

beforeEach(() => vi.stubGlobal('XMLHttpRequest', Upload));
afterEach(() => vi.unstubAllGlobals());

/** Opens the dialog, chooses a file, and sends it. */
async function bring() {
  const user = userEvent.setup();
  openAt('/stores/s1', ingest('operator'));
  await user.click(await screen.findByRole('button', { name: 'Import from USB stick' }));
  const dialog = await screen.findByRole('dialog', { name: 'Import from USB stick' });
  const file = new File(['x'.repeat(100)], 'fluxion-chacao.carry');
  const input = document.querySelector<HTMLInputElement>('input[type=file]');
  if (!input) throw new Error('there is nothing to choose a file with');
  await user.upload(input, file);
  await user.click(within(dialog).getByRole('button', { name: 'Import' }));
  await waitFor(() => expect(Upload.last?.sent).toBe(file));
  if (!Upload.last) throw new Error('nothing was sent');
  return { user, dialog, upload: Upload.last };
}

it('sends the file, shows how far it is, and hands out the receipt', async () => {
  const { user, dialog, upload } = await bring();
  act(() => upload.upload.onprogress?.({ loaded: 40 }));
  expect(await within(dialog).findByText(/40/)).toBeDefined();
  upload.answer(200, report);
  expect(await within(dialog).findByText('Chacao is in the cloud')).toBeDefined();
  expect(within(dialog).getByText(/12 deliveries were new, 3 were known.*1,234 records/)).toBeDefined();
  const click = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => {});
  await user.click(within(dialog).getByRole('button', { name: 'Save the receipt' }));
  expect(click).toHaveBeenCalledOnce();
});

it('says in the words of the store what is wrong with a file', async () => {
  const { dialog, upload } = await bring();
  upload.answer(410, { code: 'gone', title: 'No longer here', detail: 'The agent that wrote this file was revoked' });
  expect(await within(dialog).findByText(/has been revoked/)).toBeDefined();
});

it('warns of a gap and of a file from another store', async () => {
  const { dialog, upload } = await bring();
  upload.answer(200, { ...report, outcome: 'gap', missing: 7, store_id: 's2', store_name: 'Cúa' });
  expect(await within(dialog).findByText(/Delivery 7 is missing/)).toBeDefined();
  expect(within(dialog).getByText('The file is from another store: Cúa')).toBeDefined();
});

it('is not for those who may only look', async () => {
  openAt('/stores/s1', ingest('viewer'));
  expect(await screen.findByRole('heading', { name: 'Chacao' })).toBeDefined();
  expect(screen.queryByRole('button', { name: 'Import from USB stick' })).toBeNull();
});
