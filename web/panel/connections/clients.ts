// Clients of an instance: connected ones and sessions of those that are away.
import { get, type List } from '../base/api';
import type { Key } from '../base/i18n.svelte';
import { pageSize } from '../base/pages';
import { here } from '../base/router.svelte';
import { instancePath } from '../instances/instances';

export interface Connection {
  client_id: string;
  user: string;
  remote: string;
  via: string; // mqtts, wss, …
  version: string; // of MQTT: 3.1, 3.1.1, 5.0
  connected_at: string;
  keep_alive: number; // seconds
  subscriptions: number;
  queue: number; // messages
  queue_bytes: number;
  inflight: number;
  tls?: string;
  expiry: number; // seconds, -1: for ever
  web: boolean;
  messages_in: number;
  messages_out: number;
  bytes_in: number;
  bytes_out: number;
  lost: number;
}

export interface Session {
  client_id: string;
  user: string;
  connected: boolean;
  since: string;
  subscriptions: string[];
  queue: number;
  queue_bytes: number;
  inflight: number;
  expiry: number; // seconds, -1: for ever
  lost: number;
  dropped: number;
}

/** every is how often the lists are read again, in milliseconds. */
export const every = 5000;

/** fileSize is how many clients are asked for at a time to save them. */
const fileSize = 1000;

/** orders by which clients are listed; the first is the usual one. */
export const orders: Record<'connected' | 'away', readonly { id: string; name: Key }[]> = {
  connected: [
    { id: 'since', name: 'connections.by_first' },
    { id: '-since', name: 'connections.by_last' },
    { id: 'client_id', name: 'connections.by_id' },
    { id: '-queue', name: 'connections.by_queue' },
    { id: '-traffic', name: 'connections.by_traffic' },
    { id: '-lost', name: 'connections.by_lost' },
  ],
  away: [
    { id: 'client_id', name: 'connections.by_id' },
    { id: 'since', name: 'connections.by_longest_away' },
    { id: '-since', name: 'connections.by_shortest_away' },
    { id: '-queue', name: 'connections.by_queue' },
    { id: '-lost', name: 'connections.by_lost' },
  ],
};

/** order is the one that the address names, where the list has it. */
export function order(state: 'connected' | 'away'): string {
  return (orders[state].find((one) => one.id === here.query('sort')) ?? orders[state][0]!).id;
}

interface Asked {
  query?: string;
  sort?: string;
  cursor?: string;
  limit?: number;
}

export const listConnections = (instance: string, asked: Asked, signal?: AbortSignal) =>
  get<List<Connection>>(instancePath(instance) + '/connections', { limit: pageSize, ...asked }, signal);
export const listAway = (instance: string, asked: Asked, signal?: AbortSignal) =>
  get<List<Session>>(instancePath(instance) + '/sessions', { limit: pageSize, state: 'away', ...asked }, signal);

/** connectionColumns and awayColumns are the columns of files. */
const connectionColumns: (keyof Connection)[] = ['client_id', 'user', 'remote', 'via', 'version', 'connected_at', 'keep_alive', 'tls', 'expiry', 'subscriptions', 'queue', 'queue_bytes', 'inflight', 'messages_in', 'messages_out', 'bytes_in', 'bytes_out', 'lost'];
const awayColumns: (keyof Session)[] = ['client_id', 'user', 'since', 'expiry', 'subscriptions', 'queue', 'queue_bytes', 'inflight', 'lost', 'dropped'];

/** files read the rows of a file in pages, for a search in an order. */
export const files = {
  connected: {
    columns: connectionColumns as string[],
    read: (instance: string, asked: Asked) => listConnections(instance, { ...asked, limit: fileSize }) as Promise<List<object>>,
  },
  away: {
    columns: awayColumns as string[],
    read: (instance: string, asked: Asked) => listAway(instance, { ...asked, limit: fileSize }) as Promise<List<object>>,
  },
};

const serverUsers = ['bridge-client', 'hook-client', 'history-client']; // no user of an instance may be called so

/** ofServer says whether a client is a part of this server: a bridge, a webhook or the history. */
export const ofServer = (user: string): boolean => serverUsers.includes(user.slice(user.indexOf(':') + 1));
