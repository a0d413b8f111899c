import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { coalesce, staleAfter } from './live';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a hundred events make one reading', () => {
  const flush = vi.fn(async (_keys: string[]) => undefined);
  const stale = coalesce(flush, 700);
  for (let i = 0; i < 100; i += 1) stale.add(staleAfter.job_changed ?? []);
  stale.add(['rejects', 'overview']);
  expect(flush).not.toHaveBeenCalled();
  vi.advanceTimersByTime(700);
  expect(flush.mock.calls).toEqual([[['overview', 'store', 'jobs', 'rejects']]]);
});

it('events that go on are read again and again, not put off for ever', async () => {
  const flush = vi.fn(async (_keys: string[]) => undefined);
  const stale = coalesce(flush, 700);
  for (let i = 0; i < 30; i += 1) {
    stale.add(['overview']);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(flush.mock.calls.length).toBeGreaterThanOrEqual(4);
});

it('nothing is read after the page is gone', () => {
  const flush = vi.fn(async (_keys: string[]) => undefined);
  const stale = coalesce(flush, 700);
  stale.add(['overview']);
  stale.stop();
  vi.advanceTimersByTime(5_000);
  expect(flush).not.toHaveBeenCalled();
});

it('a reading that takes long is waited for, and what happened meanwhile is read after it', async () => {
  let answer = () => {};
  const flush = vi.fn((_keys: string[]) => new Promise<void>((resolve) => (answer = resolve)));
  const stale = coalesce(flush, 700);
  stale.add(['overview']);
  await vi.advanceTimersByTimeAsync(700);
  stale.add(['jobs']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(flush).toHaveBeenCalledTimes(1);
  answer();
  await vi.advanceTimersByTimeAsync(700);
  expect(flush.mock.calls.map(([keys]) => keys)).toEqual([['overview'], ['jobs']]);
});
