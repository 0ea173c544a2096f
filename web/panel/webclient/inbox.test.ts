import { describe, expect, it } from 'vitest';
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

describe('Twins', () => {
  it('lets one of each pair through, whichever comes first', () => {
    const twins = new Twins();
    const seen = (['old', 'new', 'new', 'old', 'old', 'old', 'new', 'new'] as const).map((side) => twins.fresh(side, 'k'));
    expect(seen).toEqual([true, false, true, false, true, true, false, false]);
  });
  it('tells payloads apart', () => expect(twinKey('t', bytes('a'))).not.toBe(twinKey('t', bytes('b'))));
});
