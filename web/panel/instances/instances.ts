// Instances, plans and regions, as the API gives them.
import { t } from '../base/i18n.svelte';
import { get, patch, post, remove, segment, type List } from '../base/api';
import type { Role } from '../base/rights';

export interface Instance {
  id: string; // eight lower-case letters, also the first user's name
  name: string;
  region: string;
  plan: string;
  created_at: string;
  owner?: string; // id of the account that it belongs to
  server: string; // by which clients find it
  user: string;
  port: number;
  ssl_port: number;
  device_port: number; // for small devices; 0: there is none
  websocket_port: number;
  websocket_path: string;
  plain: boolean; // plain MQTT is let in
  connection_limit: number;
  connections?: number; // now; in lists only
  ca: { fingerprint_sha256: string; url: string };
  versions: string[];
  host_names?: string[]; // of the customer's own, that clients can use
  role?: Role; // of who asks, in the account that it belongs to
  suspended?: boolean; // that account
}

export interface Plan {
  id: string;
  name: string;
  connections: number; // of an instance; here and below 0 means no limit
  web_connections: number;
  instances: number;
  flow_servers: number;
  flow_memory_mb: number;
  max_packet: number; // bytes
  queue_messages: number;
  retained_messages: number;
  subscriptions: number; // of one client
  sessions: number;
  durability: string; // safe or fast
  disk: string; // kept or vanishes
  default: boolean;
  paid?: boolean; // an instance gets into it by checkout
}

// What a plan promises about messages, as a text.
export function durabilityKey(plan: Plan) {
  if (plan.disk === 'vanishes') return 'plan.durability_vanishes' as const;
  return plan.durability === 'fast' ? ('plan.durability_fast' as const) : ('plan.durability_safe' as const);
}

export interface Region {
  id: string;
  name: string;
}

export interface Stats {
  connections: number;
  web_connections: number;
  connection_limit: number;
  sessions: number;
  subscriptions: number;
  retained: number;
  messages_in: number;
  messages_out: number;
  dropped: number;
  store?: { healthy: boolean; cause?: string };
}

export const instancePath = (id: string) => '/instances/' + segment(id);

export const listInstances = (signal?: AbortSignal) => get<List<Instance>>('/instances', undefined, signal);
export const getInstance = (id: string, signal?: AbortSignal) =>
  get<Instance>(instancePath(id), undefined, signal);
export const createInstance = (wish: { name: string; region: string; plan: string }) =>
  post<Instance>('/instances', wish);
export const renameInstance = (was: Instance, name: string) => patch<Instance>(instancePath(was.id), { name }, was);
export const changePlan = (was: Instance, plan: string) => patch<Instance>(instancePath(was.id), { plan }, was);
export const deleteInstance = (was: Instance) => remove(instancePath(was.id), was);
export const listPlans = (signal?: AbortSignal) => get<List<Plan>>('/plans', undefined, signal);
/** listRegions gives the regions; the one that stands in for a setting has its name in the language of the page. */
export async function listRegions(signal?: AbortSignal): Promise<List<Region>> {
  const list = await get<List<Region>>('/regions', undefined, signal);
  return { ...list, items: list.items.map((one) => (one.id === 'home' && one.name === 'This server' ? { ...one, name: t('region.here') } : one)) };
}
export const getStats = (id: string, signal?: AbortSignal) =>
  get<Stats>(instancePath(id) + '/stats', undefined, signal);
