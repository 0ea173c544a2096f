// MQTT users of an instance and their rules, as the API gives them.
import { get, patch, post, remove, segment, type List } from '../base/api';
import { pageSize } from '../base/pages';
import { instancePath } from '../instances/instances';

export interface User {
  name: string;
  first: boolean; // made with the instance; owns every topic
  connect: boolean; // may connect
  note: string;
  created_at: string;
  rules: number;
  password?: string; // only in the answer that made it
  client_id?: string; // the one that it may connect with
  expires_at?: string;
}

/** Exposure: a password that came over a connection without TLS, which was refused. */
export interface Exposure {
  user: string;
  remote: string;
  client_id: string;
  times: number;
  first_at: string;
  last_at: string;
}

export type Effect = 'allow' | 'deny';
export type Access = 'publish' | 'subscribe' | 'both';

export interface Rule {
  id: string;
  user: string | null; // null: a pattern for all users
  effect: Effect;
  access: Access;
  filter: string;
  max_qos?: number; // 2: no limit
  retain?: boolean;
  expires_at?: string;
  note?: string;
}

export type NewRule = Omit<Rule, 'id'>;

const usersPath = (id: string) => instancePath(id) + '/users';
const userPath = (id: string, name: string) => usersPath(id) + '/' + segment(name);
const rulesPath = (id: string) => instancePath(id) + '/rules';

export const listUsers = (id: string, query: string, cursor: string, signal?: AbortSignal) =>
  get<List<User>>(usersPath(id), { query, cursor, limit: pageSize }, signal);
export const getUser = (id: string, name: string, signal?: AbortSignal) =>
  get<User>(userPath(id, name), undefined, signal);
export const createUser = (id: string, wish: { name: string; password?: string; connect: boolean; note?: string; client_id?: string; expires_at?: string }) =>
  post<User>(usersPath(id), wish);
export const changeUser = (
  id: string,
  name: string,
  change: { password?: string; connect?: boolean; note?: string; client_id?: string; expires_at?: string },
  was: User,
) => patch<User>(userPath(id, name), change, was);
/** rotatePassword has the server make a password; without was in any case: one that was seen must not hold on. */
export const rotatePassword = (id: string, name: string, was?: User) => patch<User>(userPath(id, name), { rotate: true }, was);
/** mostChosen users are deleted in one call at most. */
export const mostChosen = 1000;

/** Deleted says of each user that was to go why it stays, if it does. */
export interface Deleted {
  deleted: number;
  items: { name: string; code?: string; detail?: string }[];
}

export const deleteUsers = (id: string, names: string[]) => post<Deleted>(usersPath(id) + '/delete', { names });

/** usersTable is where all users and rules are to be had as a table, without passwords. */
export const usersTable = (id: string) => '/api/v1' + usersPath(id) + '.csv';
export const deleteUser = (id: string, name: string, was: User) => remove(userPath(id, name), was);

export const listExposures = (id: string, signal?: AbortSignal) =>
  get<List<Exposure>>(instancePath(id) + '/exposures', undefined, signal);

/** listRules are the rules of a user, or (null) those for all users. */
export const listRules = (id: string, user: string | null, signal?: AbortSignal) =>
  get<List<Rule>>(rulesPath(id), user === null ? { all_users: 'true' } : { user }, signal);
export const createRule = (id: string, rule: NewRule) => post<Rule>(rulesPath(id), rule);
export const deleteRule = (id: string, rule: Rule) => remove(rulesPath(id) + '/' + segment(rule.id), rule);
