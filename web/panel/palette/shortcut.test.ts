import { beforeEach, describe, expect, it, vi } from 'vitest';

const key = (key: string, more: object = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, defaultPrevented: false, ...more });

describe('the keys of the palette', () => {
  const store = new Map<string, string>();
  beforeEach(() => {
    store.clear();
    vi.resetModules();
    vi.stubGlobal('localStorage', { getItem: (k: string) => store.get(k) ?? null, setItem: (k: string, v: string) => store.set(k, v), removeItem: (k: string) => store.delete(k) });
  });

  it.each([
    ['/ where nothing is typed', key('/'), false, true],
    ['/ with Shift, as on a German keyboard', key('/', { shiftKey: true }), false, true],
    ['/ in a field', key('/'), true, false],
    ['/ of an input method', key('/', { isComposing: true }), false, false],
    ['/ that somebody took', key('/', { defaultPrevented: true }), false, false],
    ['Ctrl-/', key('/', { ctrlKey: true }), false, false],
    ['Ctrl-K in a field', key('k', { ctrlKey: true }), true, true],
    ['⌘K', key('K', { metaKey: true }), false, true],
    ['Ctrl-Shift-K', key('K', { ctrlKey: true, shiftKey: true }), false, false],
    ['k', key('k'), false, false],
  ])('%s', async (_, event, typing, want) => {
    const { opens } = await import('./shortcut.svelte');
    expect(opens(event, typing)).toBe(want);
  });

  it('can be switched off for this browser, and on again', async () => {
    const first = await import('./shortcut.svelte');
    expect(first.slash()).toBe(true);
    first.useSlash(false);
    expect(first.opens(key('/'), false)).toBe(false);
    expect(first.opens(key('k', { ctrlKey: true }), false)).toBe(true);
    vi.resetModules();
    const later = await import('./shortcut.svelte');
    expect(later.slash()).toBe(false);
    later.useSlash(true);
    expect([...store]).toEqual([]);
    expect(later.opens(key('/'), false)).toBe(true);
  });
});
