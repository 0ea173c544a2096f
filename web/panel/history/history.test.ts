import { describe, expect, it } from 'vitest';
import { numbersOf, points, type KeptMessage } from './history';

const message = (time: string, payload: string): KeptMessage => ({ id: time, time, topic: 't', payload, encoding: 'text', qos: 0, retain: false });

describe('history', () => {
  it('finds the numbers of payloads', () => {
    const list = [message('2026-01-01T00:00:02Z', '{"c": 2, "s": "x"}'), message('2026-01-01T00:00:01Z', '1.5'), message('2026-01-01T00:00:00Z', 'on')];
    expect(numbersOf(list)).toEqual(['', 'c']);
    expect(points(list, '')).toEqual([{ at: 1767225601, value: 1.5 }]);
    expect(points(list, 'c').map((p) => p.value)).toEqual([2]);
  });
});
