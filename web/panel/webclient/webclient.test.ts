import type { KeptMessage } from '../history/history';
import { fetchKept, mostReplayed, pauses, play, replayed } from './replay';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../base/api';
import { WebClient } from './client.svelte';
import { Refused, type Answer, type Events, type Grant, type Line } from './line';
import { brief, read, show } from './payload';
import { Inbox } from './inbox.svelte';
import { Ring } from './ring';
import { twinKey, Twins } from './twins';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('Ring', () => {
  const fill = (ring: Ring<{ size: number; n: number }>, count: number, size = 1) => {
    for (let n = 1; n <= count; n++) ring.push({ size, n });
  };
  it('keeps the newest, newest first', () => {
    const ring = new Ring<{ size: number; n: number }>(3, 1000);
    fill(ring, 10);
    expect(ring.newest().map((x) => x.n)).toEqual([10, 9, 8]);
    expect(ring.newest(1).map((x) => x.n)).toEqual([10]);
    expect([ring.length, ring.dropped]).toEqual([3, 7]);
  });
  it('keeps to its bytes, but always the last one', () => {
    const ring = new Ring<{ size: number; n: number }>(100, 10);
    fill(ring, 5, 4);
    expect(ring.newest().map((x) => x.n)).toEqual([5, 4]);
    ring.push({ size: 50, n: 6 });
    expect(ring.newest().map((x) => x.n)).toEqual([6]);
  });
  it('replaces what is still there', () => {
    const ring = new Ring<{ size: number; n: number }>(2, 1000);
    const old = { size: 1, n: 1 };
    ring.push(old);
    ring.replace(old, { size: 1, n: 9 });
    fill(ring, 1);
    expect(ring.newest().map((x) => x.n)).toEqual([1, 9]);
    ring.replace(old, { size: 1, n: 7 });
    expect(ring.newest().map((x) => x.n)).toEqual([1, 9]);
    ring.clear();
    expect([ring.length, ring.dropped]).toEqual([0, 0]);
  });
});

describe('clear', () => {
  const message = (n: number) => ({ way: 'in' as const, topic: 't/' + n, payload: new Uint8Array(), qos: 0 as const, retain: false, dup: false });
  const topics = (inbox: Inbox) => inbox.shown.map((m) => m.topic);
  it('is undone, with what came since in front', () => {
    const inbox = new Inbox();
    for (const n of [1, 2]) inbox.add(message(n));
    const { n, undo } = inbox.clear();
    expect([n, topics(inbox)]).toEqual([2, []]);
    inbox.add(message(3));
    undo();
    expect(topics(inbox)).toEqual(['t/3', 't/2', 't/1']);
    inbox.stop();
  });
  it('is undone while paused, without what waits', () => {
    const inbox = new Inbox();
    inbox.add(message(1));
    inbox.pause(true);
    const { undo } = inbox.clear();
    inbox.add(message(2));
    undo();
    expect([topics(inbox), inbox.waiting]).toEqual([['t/1'], 1]);
    inbox.pause(false);
    expect(topics(inbox)).toEqual(['t/2', 't/1']);
    inbox.stop();
  });
});

describe('show', () => {
  it.each([
    ['AAAAA', 'auto', 'text', 'AAAAA'],
    ['21.5', 'auto', 'text', '21.5'],
    ['{"a":1}', 'auto', 'json', '{\n  "a": 1\n}'],
    ['{broken', 'auto', 'text', '{broken'],
    ['{"a":1}', 'text', 'text', '{"a":1}'],
    ['こんにちは', 'auto', 'text', 'こんにちは'],
    ['hi', 'hex', 'hex', '68 69'],
    ['hi', 'base64', 'base64', 'aGk='],
  ] as const)('%s as %s', (text, format, as, want) => {
    expect(show(bytes(text), format)).toEqual({ text: want, as, cut: 0 });
  });
  it('takes what is no text for hex', () => {
    expect(show(new Uint8Array([0xff, 0x00]), 'auto').as).toBe('hex');
    expect(show(new Uint8Array([1, 2]), 'auto').as).toBe('hex');
  });
  it('cuts, not inside a character', () => {
    const shown = show(bytes('あ'.repeat(10_000)), 'auto');
    expect([shown.as, shown.cut]).toEqual(['text', 30_000 - 16_384]);
    expect(shown.text).not.toContain('\ufffd');
  });
});

describe('CBOR', () => {
  const from = (hex: string) => read(hex, 'hex')!;
  it.each([
    ['a2 61 61 01 61 62 82 f5 f6', '{"a":1,"b":[true,null]}'],
    ['38 63', '-100'],
    ['f9 3e 00', '1.5'],
    ['fb 40 35 80 00 00 00 00 00', '21.5'],
    ['1b ff ff ff ff ff ff ff ff', '"18446744073709551615"'],
    ['42 01 ff', '"h\'01ff\'"'],
    ['9f 01 02 ff', '[1,2]'],
    ['7f 61 61 61 62 ff', '"ab"'],
    ['c1 1a 51 4b 67 b0', '1363896240'],
  ])('%s', (hex, want) => expect(JSON.stringify(JSON.parse(show(from(hex), 'cbor').text))).toBe(want));
  it.each(['a1', '1c', '9b ff ff ff ff ff ff ff ff', '01 02', '9f'.repeat(60)])('%s is none', (hex) => expect(show(from(hex), 'cbor').as).toBe('hex'));
});

describe('what is typed', () => {
  it.each([
    ['0x01 ff:AB', 'hex', [1, 255, 171]],
    ['1', 'hex', undefined],
    ['aGk=', 'base64', [104, 105]],
    ['*', 'base64', undefined],
    ['{"a":1}', 'json', [...bytes('{"a":1}')]],
    ['{a:1}', 'json', undefined],
    ['あ', 'text', [...bytes('あ')]],
  ] as const)('%s as %s', (text, form, want) => {
    const got = read(text, form);
    expect(got && [...got]).toEqual(want && [...want]);
  });
  it('is shown on one line', () => {
    expect(brief(bytes('{\n  "a": 1\n}'))).toBe('{ "a": 1 }');
    expect(brief(new Uint8Array([0, 255]))).toBe('00 ff');
  });
});

describe('Twins', () => {
  it('lets one of each pair through, whichever comes first', () => {
    const twins = new Twins();
    const seen = (['old', 'new', 'new', 'old', 'old', 'old', 'new', 'new'] as const).map((side) => twins.fresh(side, 'k'));
    expect(seen).toEqual([true, false, true, false, true, true, false, false]);
  });
  it('tells payloads apart', () => expect(twinKey('t', bytes('a'))).not.toBe(twinKey('t', bytes('b'))));
});

/** Stand is a broker's side of the border: it keeps every line that was dialled. */
class Stand {
  lines: { grant: Grant; events: Events; asked: [string, boolean][]; ended: boolean }[] = [];
  minted = 0;
  answer: (filter: string) => Answer = () => ({ code: 0, words: '' });
  refuse?: Refused;

  mint = async (): Promise<Grant> => ({
    token: 't',
    client_id: `web-${++this.minted}`,
    url: 'wss://x/mqtt/i',
    expires_at: new Date(Date.now() + 600_000).toISOString(),
  });

  dial = async (grant: Grant, events: Events): Promise<Line> => {
    if (this.refuse) throw this.refuse;
    const one = { grant, events, asked: [] as [string, boolean][], ended: false };
    this.lines.push(one);
    return {
      subscribe: async (filter, _qos, quiet) => {
        one.asked.push([filter, quiet]);
        return this.answer(filter);
      },
      unsubscribe: async () => {},
      publish: async (topic) => this.answer(topic),
      end: () => (one.ended = true),
    };
  };

  say(line: number, topic: string, payload: string) {
    this.lines[line]!.events.message({ topic, payload: bytes(payload), qos: 0, retain: false, dup: false });
  }
}

describe('WebClient', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const settle = () => vi.advanceTimersByTimeAsync(200);
  const start = async (stand = new Stand()) => {
    const client = new WebClient(stand);
    client.start();
    await settle();
    return { client, stand };
  };
  const texts = (client: WebClient) => client.inbox.shown.map((m) => new TextDecoder().decode(m.payload));

  it('connects, subscribes, shows what comes in the colour of its subscription', async () => {
    const { client, stand } = await start();
    await client.subscribe('test', 0, 3);
    stand.say(0, 'test', 'AAAAA');
    await settle();
    expect([client.state, client.clientID]).toEqual(['connected', 'web-1']);
    expect(client.inbox.shown[0]).toMatchObject({ way: 'in', topic: 'test', colour: 3 });
    client.stop();
  });

  it('explains refusals, with the rule from the log', async () => {
    const { client, stand } = await start();
    stand.answer = () => ({ code: 0x87, words: '' });
    await client.subscribe('secret', 0, 0);
    await client.publish('secret', 'x', 1, false);
    const event = { time: '', kind: 'denied', client: 'web-1', topic: 'secret', reason: 0x87 };
    client.explain({ ...event, id: 1, rule: 'deny secret' });
    client.explain({ ...event, id: 2, rule: 'deny publish secret' });
    await settle();
    expect(client.subscriptions[0]).toMatchObject({ state: 'refused', why: { code: 0x87, rule: 'deny secret' } });
    expect(client.inbox.shown[0]).toMatchObject({ state: 'refused', why: { code: 0x87, rule: 'deny publish secret' } });
    client.stop();
  });

  it('learns of a refused QoS 0 message from the log only', async () => {
    const { client } = await start();
    await client.publish('secret', 'x', 0, false);
    client.explain({ id: 1, time: '', kind: 'denied', client: 'somebody else', topic: 'secret' });
    await settle();
    expect(client.inbox.shown[0]!.state).toBe('sent');
    client.explain({ id: 2, time: '', kind: 'denied', client: 'web-1', topic: 'secret', cause: 'no rule' });
    await settle();
    expect(client.inbox.shown[0]).toMatchObject({ state: 'refused', why: { words: 'no rule' } });
    client.stop();
  });

  it('takes a new token before the old one ends, without doubles or gaps', async () => {
    const { client, stand } = await start();
    await client.subscribe('test', 0, 0);
    await vi.advanceTimersByTimeAsync(540_000);
    expect(stand.lines).toHaveLength(2);
    expect(stand.lines[1]!.asked).toEqual([['test', true]]);
    stand.say(0, 'test', 'both');
    stand.say(1, 'test', 'both');
    stand.say(1, 'test', 'new first');
    stand.say(0, 'test', 'new first');
    await vi.advanceTimersByTimeAsync(2500);
    expect(stand.lines[0]!.ended).toBe(true);
    stand.say(1, 'test', 'after');
    await settle();
    expect(texts(client)).toEqual(['after', 'new first', 'both']);
    expect([client.state, client.clientID]).toEqual(['connected', 'web-2']);
    client.stop();
    expect(stand.lines[1]!.ended).toBe(true);
  });

  it('reconnects with growing waits and asks for its subscriptions again', async () => {
    const { client, stand } = await start();
    await client.subscribe('test', 1, 0);
    stand.refuse = new Refused({ code: 0x89, words: '' });
    stand.lines[0]!.events.closed({ code: 0x8b, words: '' });
    expect(client.state).toBe('waiting');
    await vi.advanceTimersByTimeAsync(3000);
    expect([client.state, stand.minted]).toEqual(['waiting', 3]);
    stand.refuse = undefined;
    await vi.advanceTimersByTimeAsync(4000);
    expect(client.state).toBe('connected');
    expect(stand.lines[1]!.asked).toEqual([['test', true]]);
    client.stop();
  });

  it('stops asking where asking again is no use', async () => {
    const stand = new Stand();
    stand.mint = () => Promise.reject(new ApiError(404, 'not_found', 'gone'));
    const { client } = await start(stand);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(client.state).toBe('stopped');
  });

  it('keeps what comes while paused, and draws fast streams less often', async () => {
    const { client, stand } = await start();
    await client.subscribe('#', 0, 0);
    client.inbox.pause(true);
    stand.say(0, 'a', '1');
    await settle();
    expect([client.inbox.waiting, client.inbox.shown.length]).toEqual([1, 0]);
    client.inbox.pause(false);
    expect(client.inbox.shown.length).toBe(1);
    for (let i = 0; i < 1500; i++) stand.say(0, 'a', String(i));
    await vi.advanceTimersByTimeAsync(1000);
    expect(client.inbox.rate).toBeGreaterThan(50);
    expect([client.inbox.shown.length, client.inbox.dropped]).toEqual([1000, 501]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(client.inbox.rate).toBe(0);
    client.stop();
  });
});

describe('replay', () => {
  const kept = (id: number, seconds: number, more = {}): KeptMessage => ({ id: String(id), time: new Date(seconds * 1000).toISOString(), topic: 'a/b', payload: String(id), encoding: 'text', qos: 1, retain: false, ...more });

  it('reads the newest, oldest first, and no more than fit', async () => {
    const pages = async (cursor: string) => {
      const from = cursor ? Number(cursor) : 5000;
      return { items: Array.from({ length: 400 }, (_, i) => kept(from - i, from - i)), next: String(from - 400) };
    };
    const { list, more } = await fetchKept(pages);
    expect([list.length, list[0]!.id, list.at(-1)!.id, more]).toEqual([mostReplayed, String(5001 - mostReplayed), '5000', true]);
    expect(await fetchKept(async () => ({ items: [], next: 'x' }))).toEqual({ list: [], more: false });
  });

  it('marks messages with their time, in the colour of their subscription', () => {
    const line = replayed(kept(1, 86_400, { payload: '/w==', encoding: 'base64' }), [{ filter: 'x', qos: 0, colour: 1, state: 'held' }, { filter: 'a/#', qos: 0, colour: 4, state: 'held' }]);
    expect([line.colour, [...line.payload], line.replayed?.getTime(), line.way]).toEqual([4, [255], 86_400_000, 'in']);
  });

  it('keeps the pace, but no long pause, and stops', async () => {
    const list = [kept(1, 0), kept(2, 1), kept(3, 1), kept(4, 9000), kept(5, 8000)];
    expect(pauses(list, 0)).toEqual([0, 0, 0, 0, 0]);
    expect(pauses(list, 10)).toEqual([0, 100, 0, 5000, 0]);
    const stop = new AbortController();
    const shown: string[] = [];
    expect(await play(list, 60, (one) => { shown.push(one.id); if (one.id === '3') stop.abort(); }, stop.signal)).toBe(3);
    expect(shown).toEqual(['1', '2', '3']);
  });
});
