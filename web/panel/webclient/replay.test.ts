import { describe, expect, it } from 'vitest';
import type { KeptMessage } from '../history/history';
import { fetchKept, mostReplayed, pauses, play, replayed } from './replay';

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
