// Hosted flow servers, as the API gives them.
import { get, post, remove, segment, type List } from '../base/api';

export interface FlowServer {
  id: string;
  name: string; // a DNS label
  state: 'starting' | 'running' | 'stopped' | 'failed';
  cause?: string;
  url: string; // of its editor
  created_at: string;
  memory_mb: number; // MiB
  memory_limit_mb: number; // MiB
  cpu_percent: number; // of one processor
  cpu_limit_percent: number; // of one processor
  restarts: number;
  sandbox?: Record<string, boolean>; // its walls, and which are up
}

const path = (id: string) => '/flow-servers/' + segment(id);

export const listFlowServers = (signal?: AbortSignal) => get<List<FlowServer>>('/flow-servers', undefined, signal);
export const createFlowServer = (name: string) => post<FlowServer>('/flow-servers', { name });
export const restartFlowServer = (id: string) => post<FlowServer>(path(id) + '/restart');
export const deleteFlowServer = (id: string) => remove(path(id));
export const openFlowServer = (id: string) => post<{ url: string }>(path(id) + '/open');

/** suggestName gives a name that the account hasn't taken: "flow-1", "flow-2", … */
export function suggestName(taken: readonly string[]): string {
  for (let n = 1; ; n++) {
    const name = `flow-${n}`;
    if (!taken.includes(name)) return name;
  }
}

/** otherName gives a name that nobody is likely to have, for when the suggestion was another account's. */
export function otherName(): string {
  const letters = 'abcdefghijkmnpqrstuvwxyz23456789'; // 32 that aren't mistaken for each other
  return 'flow-' + Array.from(crypto.getRandomValues(new Uint8Array(4)), (b) => letters[b % 32]).join('');
}

/** isLabel says whether a name can stand in a host name: a-z, 0-9, inner hyphens, at most 32, a letter first. */
export function isLabel(name: string): boolean {
  return /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name);
}
