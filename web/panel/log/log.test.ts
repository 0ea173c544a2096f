import { describe, expect, it } from 'vitest';
import { passes, type LogEvent } from './events';
import { join, tailLength } from './tail';

const event = (id: number, more: Partial<LogEvent> = {}): LogEvent => ({ id, time: '', kind: 'denied', ...more });

describe('join', () => {
  it('shows an entry once that came by both ways', () => {
    expect(join([event(3), event(2)], [event(2), event(1)]).map((e) => e.id)).toEqual([3, 2, 1]);
  });
  it('has a bound', () => {
    const many = Array.from({ length: 600 }, (_, i) => event(1000 - i));
    expect(join(many, [])).toHaveLength(tailLength);
  });
});

describe('passes', () => {
  it.each([
    [{}, true],
    [{ kind: 'denied' }, true],
    [{ kind: 'refused' }, false],
    [{ query: 'PUMP' }, true],
    [{ query: 'nobody' }, false],
  ])('%o', (query, want) => expect(passes(event(1, { client: 'pump-1' }), query)).toBe(want));
});
