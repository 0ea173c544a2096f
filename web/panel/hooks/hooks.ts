// Webhooks and rules of an instance.
import type { Told } from '../base/faults';
import { get, patch, post, remove, segment, type List } from '../base/api';
import { pageSize } from '../base/pages';

export type HookEvent = 'message' | 'connect' | 'disconnect' | 'quota' | 'schedule' | 'silence' | 'back';
export type HookAction = 'post' | 'publish' | 'mail';

export interface HookState {
  state: 'running' | 'retrying' | 'full' | 'waiting' | 'off';
  last_error?: string;
  last_error_told?: Told;
  last_error_at?: string;
  last_done?: string;
  last_skip?: string;
  last_skip_told?: Told;
  next_run?: string;
  last_fired?: string;
  fired: number;
  held: number;
  watched: number;
  silent: number;
  queued: number;
  delivered: number;
  retries: number;
  skipped: number;
  buried: number;
}

export interface HookWish {
  name: string;
  events: HookEvent[];
  filter: string;
  client: string;
  condition: string;
  edge: boolean;
  rearm: string;
  quiet: number; // seconds
  together: boolean;
  silence: number; // seconds
  schedule: string;
  zone: string;
  action: HookAction;
  url: string;
  topic: string;
  template: string;
  qos: number;
  retain: boolean;
  mail_to: string[];
}

export interface Hook extends HookWish {
  id: string;
  enabled: boolean;
  has_authorization: boolean;
  dead_letters: number;
  secret?: string; // once, when it is made
  state: HookState;
}

export interface HookTried {
  done: boolean;
  cause?: string;
  cause_told?: Told;
  took: number; // milliseconds
  topic?: string;
  body?: string;
}

export interface DeadLetter {
  id: string;
  event: { id: string; type: HookEvent; payload?: string; client?: string; quota?: string; level?: number };
  topic: string;
  cause: string;
  cause_told?: Told;
  attempts: number;
  created_at: string;
}

export interface Retried {
  delivered: number;
  failed: number;
  left: number;
  cause?: string;
  cause_told?: Told;
}

type Change = Partial<HookWish> & { enabled?: boolean; authorization?: string };

const path = (instance: string, hook?: string) => `/instances/${segment(instance)}/hooks${hook ? '/' + segment(hook) : ''}`;

export const listHooks = (instance: string, signal?: AbortSignal) => get<List<Hook>>(path(instance), undefined, signal);
export const getHook = (instance: string, hook: string) => get<Hook>(path(instance, hook));
export const createHook = (instance: string, wish: Change) => post<Hook>(path(instance), wish);
export const changeHook = (instance: string, was: Hook, change: Change) => patch<Hook>(path(instance, was.id), change, was);
export const deleteHook = (instance: string, was: Hook) => remove(path(instance, was.id), was);
export const testHook = (instance: string, hook: string, sample: { type: HookEvent; topic: string; payload: string; client: string }) =>
  post<HookTried>(path(instance, hook) + '/test', sample);
export const rotateHook = (instance: string, hook: string) => post<{ secret: string }>(path(instance, hook) + '/secret');
export const listDeadLetters = (instance: string, hook: string, cursor: string, signal?: AbortSignal) =>
  get<List<DeadLetter>>(path(instance, hook) + '/dead-letters', { cursor, limit: pageSize }, signal);
export const retryDeadLetters = (instance: string, hook: string, ids: string[]) =>
  post<Retried>(path(instance, hook) + '/dead-letters/retry', { ids });
export const dropDeadLetters = (instance: string, hook: string, ids: string[]) =>
  post<{ count: number }>(path(instance, hook) + '/dead-letters/delete', { ids });
export const listHookReaders = (instance: string, signal?: AbortSignal) =>
  get<List<string>>(`/instances/${segment(instance)}/hook-readers`, undefined, signal);

export const emptyWish = (): HookWish => ({
  name: '',
  events: ['message'],
  filter: '',
  client: '',
  condition: '',
  edge: false,
  rearm: '',
  quiet: 0,
  together: false,
  silence: 0,
  schedule: '',
  zone: '',
  action: 'post',
  url: '',
  topic: '',
  template: '',
  qos: 1,
  retain: false,
  mail_to: [],
});

/** sampleTopic is a topic that a filter matches, for a test. */
export function sampleTopic(filter: string): string {
  const levels = filter.split('/').map((level) => (level === '+' ? 'x' : level));
  if (levels.at(-1) === '#') levels[levels.length - 1] = 'test';
  return levels.join('/');
}
