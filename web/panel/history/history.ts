// Messages that an instance keeps.
import { get, patch, segment, type List } from '../base/api';
import { withQuery } from '../base/route';

export interface Choice {
  filter: string;
  bytes: number;
  days: number; // 0: no bound
}

export interface Kept extends Choice {
  used: number; // bytes
  messages: number;
}

export interface Choices {
  filters: Kept[];
  limit: number; // bytes in all; 0: no limit
}

export interface KeptMessage {
  id: string;
  time: string;
  topic: string;
  payload: string;
  encoding: 'text' | 'base64';
  qos: number;
  retain: boolean;
  client?: string;
}

export interface KeptTopic {
  topic: string;
  count: number;
  last: string;
}

export interface Point {
  at: number; // seconds since 1970
  value: number;
}

const path = (instance: string) => `/instances/${segment(instance)}/history`;

export const getChoices = (instance: string, signal?: AbortSignal) => get<Choices>(path(instance), undefined, signal);
export const setChoices = (instance: string, filters: Choice[], was?: Choices) => patch<Choices>(path(instance), { filters }, was);
export const listKept = (instance: string, filter: string, cursor: string, limit: number, signal?: AbortSignal, asked: { from?: string; to?: string; query?: string } = {}) =>
  get<List<KeptMessage>>(path(instance) + '/messages', { filter, cursor: cursor || undefined, limit, ...asked }, signal);
export const listKeptTopics = (instance: string, signal?: AbortSignal) => get<List<KeptTopic>>(path(instance) + '/topics', undefined, signal);
export const csvPath = (instance: string, filter: string, query: string) => '/api/v1' + path(instance) + '/csv' + withQuery('', { filter, query });

/** numbersOf are the names of the numbers in payloads: "" for a payload that is one itself. */
export function numbersOf(messages: KeptMessage[]): string[] {
  const names = new Set<string>();
  for (const message of messages.slice(0, 100)) {
    const value = parse(message);
    if (typeof value === 'number') names.add('');
    else if (value && typeof value === 'object' && !Array.isArray(value))
      for (const [name, one] of Object.entries(value)) if (typeof one === 'number') names.add(name);
  }
  return [...names].sort();
}

/** points are the values of one name in the order of time. */
export function points(messages: KeptMessage[], name: string): Point[] {
  const list: Point[] = [];
  for (const message of messages) {
    const value = parse(message);
    const one = name === '' ? value : value && typeof value === 'object' ? (value as Record<string, unknown>)[name] : undefined;
    if (typeof one === 'number') list.push({ at: Date.parse(message.time) / 1000, value: one });
  }
  return list.sort((a, b) => a.at - b.at);
}

function parse(message: KeptMessage): unknown {
  if (message.encoding !== 'text') return undefined;
  try {
    return JSON.parse(message.payload);
  } catch {
    return undefined;
  }
}
