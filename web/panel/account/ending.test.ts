import { expect, it } from 'vitest';
import { before, endingOf, leaseOf } from './ending';

const minute = 60_000;
const t0 = Date.parse('2026-11-23T09:00:00Z');
const told = { now: '2026-11-23T09:00:00Z', ends_at: '2026-11-23T12:00:00Z', idle_ends_at: '2026-11-23T10:00:00Z' };

it('says that nobody used the session, ten minutes before it ends', () => {
  const lease = leaseOf(told, t0);
  expect(endingOf(lease, t0, t0 + 50 * minute - 1)).toBeUndefined();
  expect(endingOf(lease, t0, t0 + 50 * minute)).toEqual({ at: t0 + 60 * minute, idle: true });
});

it('is put off by use, until the end that nothing puts off', () => {
  const lease = leaseOf(told, t0);
  expect(endingOf(lease, t0 + 49 * minute, t0 + 55 * minute)).toBeUndefined();
  const end = t0 + 180 * minute;
  expect(endingOf(lease, end - minute, end - before)).toEqual({ at: end, idle: false });
});

it('minds no clock that is wrong', () => {
  const wrong = t0 - 86_400_000;
  expect(endingOf(leaseOf(told, wrong), wrong, wrong + 49 * minute)).toBeUndefined();
  expect(endingOf(leaseOf(told, wrong), wrong, wrong + 51 * minute)?.at).toBe(wrong + 60 * minute);
});

it('knows nothing where the server says nothing', () => {
  expect(endingOf(leaseOf({}, t0), t0, t0)).toBeUndefined();
});
