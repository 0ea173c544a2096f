import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../base/api';
import { WebClient } from './client.svelte';
import { Refused, type Answer, type Events, type Grant, type Line } from './line';

const bytes = (text: string) => new TextEncoder().encode(text);

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
