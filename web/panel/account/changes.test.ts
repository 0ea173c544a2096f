import { describe, expect, it } from 'vitest';
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
  it('asks once at a time, and not too often', async () => {
    let now = 0;
    let asked = 0;
    let answer = (): void => {};
    const ask = pace(() => new Promise<void>((done) => ((answer = done), asked++)), 1000, () => now);
    ask();
    now = 5000;
    ask(); // the first is still on its way
    expect(asked).toBe(1);
    answer();
    await Promise.resolve().then(() => {});
    await new Promise((done) => setTimeout(done));
    ask();
    expect(asked).toBe(2);
    answer();
    await new Promise((done) => setTimeout(done));
    now = 5500;
    ask();
    expect(asked).toBe(2);
  });
});
