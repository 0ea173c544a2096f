import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { again, part, troubled, watchParts } from './parts.svelte';

// A browser of which parts.svelte.ts sees what it needs, and a server that is there or not.
let reload: ReturnType<typeof vi.fn>;
let server: () => Response | Promise<never>;
let dialog: object | null;
let page: EventTarget;
let typing: EventTarget;

beforeEach(() => {
  vi.useFakeTimers();
  reload = vi.fn();
  dialog = null;
  server = () => new Response('<script type="module" src="/assets/index-a.js"></script>');
  page = new EventTarget();
  typing = new EventTarget();
  const kept = new Map<string, string>();
  vi.stubGlobal('window', page);
  vi.stubGlobal('location', { reload });
  vi.stubGlobal('sessionStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) });
  vi.stubGlobal('document', {
    addEventListener: typing.addEventListener.bind(typing),
    querySelector: (what: string) => (what.startsWith('script') ? { src: 'https://here/assets/index-a.js' } : dialog),
  });
  vi.stubGlobal('HTMLLinkElement', class {});
  vi.stubGlobal('fetch', async () => server());
  watchParts();
  page.dispatchEvent(new Event('pageshow'));
});

afterEach(async () => {
  await vi.runAllTimersAsync(); // nothing is missing any more
  expect(troubled()).toBeUndefined();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Flaky is a part that fails until it is let through. */
class Flaky {
  asked = 0;
  ok = false;
  load = async () => {
    this.asked++;
    if (!this.ok) throw new TypeError('Failed to fetch dynamically imported module');
    return 'the part';
  };
}

const updated = () => new Response('<script type="module" src="/assets/index-b.js"></script>');
const away = () => Promise.reject(new TypeError('Failed to fetch'));
const minute = 60_000;

describe('part', () => {
  it('comes at the next try, and nobody hears of it', async () => {
    const one = new Flaky();
    const got = part(one.load);
    await vi.advanceTimersByTimeAsync(0);
    one.ok = true;
    await vi.advanceTimersByTimeAsync(300);
    expect(await got).toBe('the part');
    expect([one.asked, troubled(), reload.mock.calls.length]).toEqual([2, undefined, 0]);
  });

  it('is waited for while the server does not answer, and comes at once when the network is back', async () => {
    server = away;
    const one = new Flaky();
    const got = part(one.load);
    await vi.advanceTimersByTimeAsync(minute);
    expect(troubled()).toBe('away');
    expect(reload).not.toHaveBeenCalled();
    expect(one.asked).toBeLessThan(10);
    one.ok = true;
    page.dispatchEvent(new Event('online'));
    expect(await got).toBe('the part');
    expect(reload).not.toHaveBeenCalled();
  });

  it('is asked for at once by the button', async () => {
    server = away;
    const one = new Flaky();
    const got = part(one.load);
    await vi.advanceTimersByTimeAsync(minute);
    one.ok = true;
    again();
    expect(await got).toBe('the part');
  });

  it('has the page loaded anew after an update, but not twice within seconds', async () => {
    server = updated;
    const one = new Flaky();
    void part(one.load);
    await vi.advanceTimersByTimeAsync(300);
    expect(reload).toHaveBeenCalledOnce();
    expect(troubled()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5000); // it wasn't: the browser is slow, or asks
    expect(reload).toHaveBeenCalledOnce();
    expect(troubled()).toBe('outdated');
    one.ok = true;
  });

  it('has the page loaded anew where a browser keeps failures', async () => {
    const one = new Flaky();
    void part(one.load);
    await vi.advanceTimersByTimeAsync(2000);
    expect(reload).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1000);
    expect(reload).toHaveBeenCalledOnce();
    one.ok = true;
  });

  it.each([
    ['something was typed', () => typing.dispatchEvent(new Event('input'))],
    ['a dialog is open', () => (dialog = {})],
    ['the person is leaving', () => page.dispatchEvent(new Event('beforeunload'))],
  ])('asks before the page is loaded anew: %s', async (_, begin) => {
    Object.assign(typing, { type: 'text', value: 'a', isConnected: true });
    begin();
    server = updated;
    const one = new Flaky();
    const got = part(one.load);
    await vi.advanceTimersByTimeAsync(minute);
    expect(troubled()).toBe('outdated');
    expect(reload).not.toHaveBeenCalled();
    one.ok = true;
    await vi.advanceTimersByTimeAsync(minute);
    expect(await got).toBe('the part');
    Object.assign(typing, { isConnected: false });
  });

  it('is forgotten when nobody wants it any more', async () => {
    server = away;
    const one = new Flaky();
    const stop = new AbortController();
    void part(one.load, stop.signal);
    await vi.advanceTimersByTimeAsync(1000);
    stop.abort();
    await vi.advanceTimersByTimeAsync(minute);
    const asked = one.asked;
    await vi.advanceTimersByTimeAsync(minute);
    expect([one.asked, troubled()]).toEqual([asked, undefined]);
  });
});

describe('the sources', () => {
  it('load every part by part()', () => {
    const root = join(dirname(fileURLToPath(import.meta.url)), '..');
    const faults: string[] = [];
    const walk = (dir: string) => {
      for (const name of readdirSync(dir)) {
        const path = join(dir, name);
        if (['node_modules', 'dist', 'dev'].includes(name)) continue;
        if (statSync(path).isDirectory()) walk(path);
        else if (/\.(svelte|ts)$/.test(name) && !/\.test\.ts$/.test(name)) {
          for (const line of readFileSync(path, 'utf8').split('\n')) {
            // routes and texts are tables of parts, Later takes one
            if (/\bimport\(/.test(line) && !/part\(\(\) => import\(|\b(page|en|ja): \(\) => import\(|load=\{\(\) => import\(/.test(line)) faults.push(`${path}: ${line.trim()}`);
          }
        }
      }
    };
    walk(root);
    expect(faults).toEqual([]);
  });
});
