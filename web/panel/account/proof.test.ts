import { beforeEach, describe, expect, it, vi } from 'vitest';
import { waysIn } from './proof.svelte';
import { keep, keptFor } from './providers';

describe('ways to show that it is you', () => {
  const all = { password: true, passkey: true, providers: [{ id: 'id', name: 'Example ID' }] };
  it('has a passkey first, where the browser knows them', () => {
    expect(waysIn(all, true)).toEqual(['passkey', 'password', 'at id']);
    expect(waysIn(all, false)).toEqual(['password', 'at id']);
    expect(waysIn({ password: false, passkey: true, providers: [] }, false)).toEqual([]);
  });
});

describe('a confirmation that a provider gave', () => {
  beforeEach(() => {
    const kept = new Map<string, string>();
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
  });

  it('is for one purpose and one thing, and taken once', () => {
    keep({ confirmation: 'c', purpose: 'reveal-password', object: 'one' });
    expect(keptFor('reveal-password', 'two', true)).toBeUndefined();
    expect(keptFor('reveal-key', 'one', true)).toBeUndefined();
    expect(keptFor('reveal-password', 'one')).toBe('c');
    expect(keptFor('reveal-password', 'one', true)).toBe('c');
    expect(keptFor('reveal-password', 'one', true)).toBeUndefined();
  });

  it('ends before the server ends it', () => {
    keep({ confirmation: 'c', purpose: 'begin-passkey' }, 0);
    expect(keptFor('begin-passkey', '', false, 4 * 60_000)).toBe('c');
    expect(keptFor('begin-passkey', '', false, 5 * 60_000)).toBeUndefined();
    expect(sessionStorage.getItem('tsunagi.confirmed')).toBeNull();
  });
});
