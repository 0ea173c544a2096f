import { describe, expect, it } from 'vitest';
import { formatMoment } from '../base/format';
import { grid, lostBy, total, type History, type Point } from './history';

const zero = { connections: 0, web_connections: 0, sessions: 0, subscriptions: 0, retained: 0, retained_bytes: 0, queued: 0, queued_bytes: 0, messages_in: 0, messages_out: 0, bytes_in: 0, bytes_out: 0, connects: 0 };
const point = (at: string, part: Partial<Point>): Point => ({ ...zero, at, lost: {}, ...part });

describe('grid', () => {
  const history: History = {
    step: 60,
    from: '2026-11-22T10:02:00Z',
    to: '2026-11-22T10:17:00Z',
    items: [
      point('2026-11-22T10:03:00Z', { connections: 2, messages_in: 300, lost: { away: 1 } }),
      point('2026-11-22T10:04:00Z', { connections: 5, messages_in: 300, lost: { away: 2, slow: 9 } }),
      point('2026-11-22T10:16:00Z', { connections: 1, messages_in: 240 }),
    ],
  };
  const g = grid(history, 'day');
  it('has even cells with nothing where no point is', () => {
    expect(g.times.map((at) => new Date(at * 1000).toISOString().slice(11, 16))).toEqual(['10:00', '10:05', '10:10', '10:15']);
    expect(g.most('connections')).toEqual([5, 0, 0, 1]);
  });
  it('gives rates, of the last cell over the time that has passed', () => expect(g.rate('messages_in')).toEqual([2, 0, 0, 2]));
  it('counts what was lost', () => {
    expect(g.lost('away')).toEqual([3, 0, 0, 0]);
    expect(g.lost()).toEqual([12, 0, 0, 0]);
    expect(lostBy(history)).toEqual([['slow', 9], ['away', 3]]);
    expect(total(history, 'messages_in')).toBe(840);
  });
});

describe('formatMoment', () => {
  const at = Date.parse('2026-11-22T15:00:00Z') / 1000; // midnight in Tokyo
  it.each([
    [0, '11-23 00:00'],
    [3600, '11-23 00:00'],
    [60, '00:00'],
    [86_400, '11-23'],
  ])('with marks %i s apart', (step, want) => expect(formatMoment(at, step, false, 'Asia/Tokyo')).toBe(want));
});
