import { expect, it } from 'vitest';
import { formatShare, formatBytes } from './number';
import { formatAge, formatDuration } from './time';

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');
const now = Date.parse('2026-11-21T02:00:00Z');
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString();

it('an age is told in its largest unit', () => {
  expect(formatAge(ago(12), now, 'es-VE')).toBe('hace 12 s');
  expect(formatAge(ago(119), now, 'es-VE')).toBe('hace 1 min');
  expect(formatAge(ago(3 * 3600 + 59), now, 'es-VE')).toBe('hace 3 h');
  expect(formatAge(ago(30 * 3600), now, 'es-VE')).toBe('hace 30 h');
  expect(plain(formatAge(ago(50 * 3600), now, 'en-US'))).toBe('2d ago');
});

it('a moment ahead of the clock counts as now', () => {
  expect(formatAge(ago(-40), now, 'es-VE')).toBe('hace 0 s');
});

it('a duration is told in its two largest units', () => {
  expect(plain(formatDuration(412, 'es-VE'))).toBe('412 ms');
  expect(plain(formatDuration(1_840, 'es-VE'))).toBe('1,8 s');
  expect(plain(formatDuration(95_000, 'es-VE'))).toBe('1 min 35 s');
  expect(plain(formatDuration(3_600_000, 'es-VE'))).toBe('1 h');
});

it('a share rounds up to 100 % only when nothing failed', () => {
  expect(plain(formatShare(1, 'en-US'))).toBe('100%');
  expect(plain(formatShare(0.99999, 'en-US'))).toBe('99.9%');
  expect(plain(formatShare(0.9934, 'es-VE'))).toBe('99,3%');
  expect(plain(formatShare(0, 'en-US'))).toBe('0%');
});

it('bytes are told in a unit that people can read', () => {
  expect(plain(formatBytes(512, 'en-US'))).toBe('512 byte');
  expect(plain(formatBytes(1_834_000, 'en-US'))).toBe('1.8 MB');
  expect(plain(formatBytes(48_200_000_000, 'es-VE'))).toBe('48 GB');
});
