// Kept messages, shown once more in the web client: at once, or at the pace at which they came.
import type { List } from '../base/api';
import { matches } from '../base/topics';
import type { KeptMessage } from '../history/history';
import type { Message, Subscription } from './message';

/** mostReplayed is how many messages one replay shows, the newest of its time: the list holds as many. */
export const mostReplayed = 1000;

const longestPause = 5000; // milliseconds that a replay waits between two messages, however long it was

/** Pace is how many times faster than they came messages are shown; 0: at once. */
export type Pace = 0 | 1 | 10 | 60;

/** fetchKept reads the newest kept messages page by page; the oldest of them comes first. */
export async function fetchKept(read: (cursor: string) => Promise<List<KeptMessage>>): Promise<{ list: KeptMessage[]; more: boolean }> {
  const list: KeptMessage[] = [];
  let cursor = '';
  do {
    const page = await read(cursor);
    list.push(...page.items);
    cursor = page.items.length > 0 ? (page.next ?? '') : '';
  } while (cursor && list.length < mostReplayed);
  const more = cursor !== '' || list.length > mostReplayed;
  return { list: list.slice(0, mostReplayed).reverse(), more };
}

/** replayed is a kept message as a line of the list, in the colour of the first subscription that it matches. */
export function replayed(kept: KeptMessage, subscriptions: readonly Subscription[]): Omit<Message, 'id' | 'at' | 'size'> {
  const payload = kept.encoding === 'base64' ? Uint8Array.from(atob(kept.payload), (c) => c.charCodeAt(0)) : new TextEncoder().encode(kept.payload);
  const colour = subscriptions.find((s) => matches(s.filter, kept.topic))?.colour;
  const qos = kept.qos === 1 || kept.qos === 2 ? kept.qos : 0;
  return { way: 'in', topic: kept.topic, payload, qos, retain: kept.retain, dup: false, colour, replayed: new Date(kept.time) };
}

/** pauses are the milliseconds before each message. */
export function pauses(list: readonly KeptMessage[], pace: Pace): number[] {
  return list.map((one, i) => {
    if (pace === 0 || i === 0) return 0;
    const apart = Date.parse(one.time) - Date.parse(list[i - 1]!.time);
    return Math.min(Math.max(apart, 0) / pace, longestPause);
  });
}

/** play shows messages one after the other until it is stopped. It resolves with how many it has shown. */
export async function play(list: readonly KeptMessage[], pace: Pace, show: (one: KeptMessage, n: number) => void, stopped: AbortSignal): Promise<number> {
  const waits = pauses(list, pace);
  let debt = 0; // pauses shorter than what a timer can keep are made up in one
  for (const [i, one] of list.entries()) {
    debt += waits[i]!;
    if (debt >= 15 && !stopped.aborted) {
      await wait(debt, stopped);
      debt = 0;
    }
    if (stopped.aborted) return i;
    show(one, i + 1);
  }
  return list.length;
}

const wait = (ms: number, stopped: AbortSignal) =>
  new Promise<void>((done) => {
    const timer = setTimeout(done, ms);
    stopped.addEventListener('abort', () => {
      clearTimeout(timer);
      done();
    });
  });
