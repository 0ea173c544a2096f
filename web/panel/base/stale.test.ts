import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, get, isStale, patch } from './api';
import { merge, theirs } from './merge';

interface Thing {
  note: string;
}

// A server with one thing whose version is the number of its changes; wrap is what a proxy makes of an ETag.
let thing: Thing;
let changes: number;
let seen: (string | null)[];
let wrap: (tag: string) => string;

beforeEach(() => {
  thing = { note: 'first' };
  changes = 1;
  seen = [];
  wrap = (tag) => tag;
  vi.stubGlobal('document', { documentElement: { lang: 'en' } });
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    const match = new Headers(init.headers).get('If-Match');
    if (init.method === 'PATCH') {
      seen.push(match);
      if (match && match !== `"v${changes}"`) return Response.json({ code: 'stale', detail: 'changed meanwhile' }, { status: 412 });
      thing = { ...thing, ...JSON.parse(String(init.body)) };
      changes++;
    }
    return Response.json(thing, { headers: { ETag: wrap(`"v${changes}"`) } });
  });
});
afterEach(() => vi.unstubAllGlobals());

const caught = (call: Promise<unknown>) => call.then(() => undefined, (cause: unknown) => cause);

describe('patch', () => {
  it('changes what was read, again and again', async () => {
    const first = await get<Thing>('/thing');
    const second = await patch<Thing>('/thing', { note: 'second' }, first);
    await patch('/thing', { note: 'third' }, second);
    expect(seen).toEqual(['"v1"', '"v2"']);
    expect(thing.note).toBe('third');
  });

  it('does not overwrite what somebody else has saved', async () => {
    const mine = await get<Thing>('/thing');
    await patch('/thing', { note: 'theirs' }); // without what it was: in any case
    const cause = await caught(patch('/thing', { note: 'mine' }, mine));
    expect(isStale(cause)).toBe(true);
    expect((cause as ApiError).code).toBe('stale');
    expect(thing.note).toBe('theirs');
    await patch('/thing', { note: 'mine' }, await get<Thing>('/thing'));
    expect(thing.note).toBe('mine');
  });

  it('works behind a proxy that weakens ETags', async () => {
    wrap = (tag) => 'W/' + tag;
    await patch('/thing', { note: 'mine' }, await get<Thing>('/thing'));
    expect(seen).toEqual(['"v1"']);
  });

  it('knows other refusals from it', () => {
    expect(isStale(new ApiError(409, 'conflict', ''))).toBe(false);
    expect(isStale(new Error('412'))).toBe(false);
  });
});

describe('merge', () => {
  const was = { name: 'a', note: 'b', topics: [{ filter: '#' }], qos: 1 };
  it.each([
    ['nobody typed', {}, { note: 'new' }, { note: 'new' }, []],
    ['typed elsewhere', { name: 'mine' }, { note: 'new' }, { name: 'mine', note: 'new' }, []],
    ['both', { name: 'mine', qos: 2 }, { name: 'theirs' }, { name: 'mine', qos: 2 }, ['name']],
    ['both the same', { name: 'one' }, { name: 'one' }, { name: 'one' }, []],
    ['in a list', { topics: [{ filter: 'a' }] }, { topics: [] }, { topics: [{ filter: 'a' }] }, ['topics']],
  ])('%s', (_, typed, now, want, both) => {
    const got = merge(was, { ...was, ...typed }, { ...was, ...now });
    expect(got).toEqual({ value: { ...was, ...want }, both });
  });

  it('words what the other one saved', () => {
    const now = { name: '', topics: [{ direction: 'out', filter: '#', local: '' }], on: true };
    expect(theirs(now, ['name', 'topics', 'on'], { name: 'Name', topics: 'Topics' })).toEqual([
      { label: 'Name', saved: '–' },
      { label: 'Topics', saved: 'out #' },
      { label: 'on', saved: 'true' },
    ]);
  });
});
