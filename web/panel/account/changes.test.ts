import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { changeOf, pace, type Place } from './changes';

const crew: Place = { id: 't1', own: false, role: 'member' };
const own: Place = { id: 'a1', own: true, role: 'owner' };

describe('changeOf', () => {
  it('says nothing where nothing has changed', () => expect(changeOf(crew, { ...crew }, ['a1', 't1'])).toBeUndefined());
  it('knows another role', () => expect(changeOf(crew, { ...crew, role: 'viewer' }, ['a1', 't1'])).toBe('role'));
  it('knows who was taken out of a team', () => expect(changeOf(crew, own, ['a1'])).toBe('gone'));
  it('knows what another window of the browser has chosen', () => expect(changeOf(crew, own, ['a1', 't1'])).toBe('elsewhere'));
});

describe('pace', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('asks at once, one at a time, not too often, and never forgets the last call', async () => {
    let asked = 0;
    let answer = (): void => {};
    const ask = pace(() => new Promise<void>((done) => ((answer = done), asked++)), 1000);
    ask();
    expect(asked).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    ask(); // the first is still on its way
    ask();
    expect(asked).toBe(1);
    answer();
    await vi.advanceTimersByTimeAsync(50);
    expect(asked).toBe(2);
    answer();
    await vi.advanceTimersByTimeAsync(100);
    ask(); // too early
    ask();
    expect(asked).toBe(2);
    await vi.advanceTimersByTimeAsync(900);
    expect(asked).toBe(3);
    answer();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(3);
  });
});
