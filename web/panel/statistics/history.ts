// What happened over time: points of minutes and hours, laid on an even grid.
import { get } from '../base/api';
import { instancePath } from '../instances/instances';

/** Points of what is the most at a time within a step. */
export const gauges = ['connections', 'web_connections', 'sessions', 'subscriptions', 'retained', 'retained_bytes', 'queued', 'queued_bytes'] as const;
/** Points of what came within a step. */
export const counts = ['messages_in', 'messages_out', 'bytes_in', 'bytes_out', 'connects'] as const;

export type Gauge = (typeof gauges)[number];
export type Count = (typeof counts)[number];

export type Point = { at: string; lost: Record<string, number> } & Record<Gauge | Count, number>;

export interface History {
  step: number; // seconds
  from: string;
  to: string;
  items: Point[]; // without those in which nothing happened
}

export const ranges = ['live', 'day', 'month', 'year'] as const;
export type Range = (typeof ranges)[number];

const dayLong = 86_400; // seconds
const lengths: Record<Exclude<Range, 'live'>, { step: 'minute' | 'hour'; long: number; cell: number }> = {
  day: { step: 'minute', long: dayLong, cell: 300 },
  month: { step: 'hour', long: 31 * dayLong, cell: 3600 },
  year: { step: 'hour', long: 366 * dayLong, cell: dayLong },
};

/** readHistory asks for what a range shows. */
export function readHistory(id: string, range: Exclude<Range, 'live'>, signal?: AbortSignal): Promise<History> {
  const { step, long } = lengths[range];
  const from = new Date(Date.now() - long * 1000).toISOString();
  return get<History>(instancePath(id) + '/stats/history', { step, from }, signal);
}

export interface Grid {
  times: number[]; // seconds since the epoch: beginnings of cells
  most: (name: Gauge) => number[];
  rate: (name: Count) => number[]; // a second
  lost: (cause?: string) => number[]; // messages in each cell; all causes without one
}

/** grid lays points on cells of equal length; where there is no point nothing was there. */
export function grid(history: History, range: Exclude<Range, 'live'>): Grid {
  const { cell } = lengths[range];
  const begin = Math.floor(Date.parse(history.from) / 1000 / cell) * cell;
  const end = Date.parse(history.to) / 1000;
  const times: number[] = [];
  for (let at = begin; at <= end; at += cell) times.push(at);
  const place = (point: Point) => Math.floor((Date.parse(point.at) / 1000 - begin) / cell);
  const gather = (value: (p: Point) => number, join: (a: number, b: number) => number) => {
    const out = new Array<number>(times.length).fill(0);
    for (const point of history.items) {
      const i = place(point);
      if (i >= 0 && i < out.length) out[i] = join(out[i]!, value(point));
    }
    return out;
  };
  const add = (a: number, b: number) => a + b;
  // The last cell isn't over: what came so far is spread over the time that has passed.
  const seconds = (i: number) => (i === times.length - 1 ? Math.max(history.step, end - times[i]!) : cell);
  return {
    times,
    most: (name) => gather((p) => p[name], Math.max),
    rate: (name) => gather((p) => p[name], add).map((n, i) => n / seconds(i)),
    lost: (cause) => gather((p) => (cause ? (p.lost[cause] ?? 0) : Object.values(p.lost).reduce(add, 0)), add),
  };
}

/** total sums what came over all points. */
export const total = (history: History, name: Count): number => history.items.reduce((sum, p) => sum + p[name], 0);

/** lostBy sums lost messages by cause, the most first. */
export function lostBy(history: History): [cause: string, n: number][] {
  const all = new Map<string, number>();
  for (const point of history.items) {
    for (const [cause, n] of Object.entries(point.lost)) all.set(cause, (all.get(cause) ?? 0) + n);
  }
  return [...all].sort((a, b) => b[1] - a[1]);
}

export const causes = ['away', 'slow', 'queue_messages', 'queue_bytes', 'too_large', 'expired', 'session_ended', 'denied'] as const;
