// Hosted flow servers, as the API gives them.
import { get, post, remove, segment, type List } from '../base/api';

export interface FlowServer {
  id: string;
  name: string; // a DNS label
  state: 'starting' | 'running' | 'stopped' | 'failed';
  cause?: string;
  url: string; // of its editor
  created_at: string;
  memory_mb: number;
  memory_limit_mb: number;
  restarts: number;
  sandbox?: Record<string, unknown>; // protections that are on
}

const path = (id: string) => '/flow-servers/' + segment(id);

export const listFlowServers = (signal?: AbortSignal) => get<List<FlowServer>>('/flow-servers', undefined, signal);
export const createFlowServer = (name: string) => post<FlowServer>('/flow-servers', { name });
export const restartFlowServer = (id: string) => post<FlowServer>(path(id) + '/restart');
export const deleteFlowServer = (id: string) => remove(path(id));
export const openFlowServer = (id: string) => post<{ url: string }>(path(id) + '/open');

/** suggestName gives a name that isn't taken: "flow", "flow-2", "flow-3", … with a stem of one's own. */
export function suggestName(taken: readonly string[], stem = 'flow'): string {
  for (let n = 1; ; n++) {
    const name = n === 1 ? stem : `${stem}-${n}`;
    if (!taken.includes(name)) return name;
  }
}

/** isLabel says whether a name can stand in a host name: a-z, 0-9, inner hyphens, at most 40. */
export function isLabel(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name);
}
