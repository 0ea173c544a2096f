// From where clients may come to an instance, as the API gives it.
import { ApiError, get, patch, post, remove, segment, type List } from '../base/api';
import { instancePath } from '../instances/instances';

export type Effect = 'allow' | 'deny';

export interface Guard {
  others: Effect;
  ban: boolean;
  ban_tries: number;
  ban_window: number; // seconds
  ban_length: number; // seconds
  connect_rate: number; // a minute; 0: any number
  you: { address: string; allowed: boolean; rule?: string };
}

export interface AddressRule {
  id: string;
  prefix: string;
  effect: Effect;
  note: string;
}

export interface Ban {
  address: string;
  automatic: boolean; // after wrong logins
  note: string;
  since: string;
  until: string;
  tries: number;
  users: string[];
  clients: string[];
  refused: number;
}

const below = (id: string, part: string) => instancePath(id) + '/' + part;

export const getGuard = (id: string, signal?: AbortSignal) => get<Guard>(below(id, 'guard'), undefined, signal);
export const changeGuard = (id: string, change: Partial<Guard> & { sure?: boolean }, was?: Guard) => patch<Guard>(below(id, 'guard'), change, was);

export const listRules = (id: string, signal: AbortSignal) => get<List<AddressRule>>(below(id, 'addresses'), undefined, signal);
export const createRule = (id: string, wish: Omit<AddressRule, 'id'> & { sure: boolean }) => post(below(id, 'addresses'), wish);
export const getRule = (id: string, rule: string) => get<AddressRule>(below(id, 'addresses/' + segment(rule)));
export const changeRule = (id: string, was: AddressRule, wish: Omit<AddressRule, 'id'> & { sure: boolean }) =>
  patch<AddressRule>(below(id, 'addresses/' + segment(was.id)), wish, was);
export const deleteRule = (id: string, was: AddressRule, sure: boolean) => remove(below(id, 'addresses/' + segment(was.id)) + (sure ? '?sure=true' : ''), was);

export const listBans = (id: string, signal: AbortSignal) => get<List<Ban>>(below(id, 'bans'), undefined, signal);
export const createBan = (id: string, wish: { address: string; minutes: number; note: string; sure: boolean }) => post(below(id, 'bans'), wish);
export const liftBan = (id: string, address: string) => remove(below(id, 'bans/' + segment(address)));

/** asksAgain says whether a change was refused because it concerns the address of this browser. */
export const asksAgain = (cause: unknown): cause is ApiError => cause instanceof ApiError && Boolean(cause.fault('sure'));
