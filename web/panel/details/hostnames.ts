// Names of the customer's own by which an instance is reached, as the API gives them.
import { get, post, remove, segment } from '../base/api';
import { instancePath, type Instance } from '../instances/instances';

export interface HostName {
  name: string;
  txt_name: string;
  txt_value: string;
  proven: boolean;
  lapses_at?: string; // its TXT record is missing
  certificate?: {
    state: 'ready' | 'waiting' | 'failed' | 'limited' | 'none' | 'proxy';
    not_after?: string;
    problem?: string;
    next?: string;
  };
}

export interface HostNames {
  items: HostName[];
  limit: number;
  target: string;
  addresses: string[];
}

export interface HostCheck extends HostName {
  record: 'found' | 'missing' | 'other' | 'taken' | 'unreachable';
  points: 'here' | 'elsewhere' | 'nowhere' | 'unknown';
  text: string; // what to do next
}

const below = (id: string) => instancePath(id) + '/host-names';

export const listHostNames = (id: string, signal: AbortSignal) => get<HostNames>(below(id), undefined, signal);
export const addHostName = (id: string, name: string) => post<HostName>(below(id), { name });
export const checkHostName = (id: string, name: string) => post<HostCheck>(below(id) + '/' + segment(name) + '/check');
export const removeHostName = (id: string, name: string) => remove(below(id) + '/' + segment(name));

/** by is the instance as clients know it that reach it by a name. */
export function by(instance: Instance, name: string): Instance {
  return { ...instance, server: name };
}

/** isRight says whether nothing is left to do about a check. */
export const isRight = (check: HostCheck) => check.record === 'found' && (check.points === 'here' || check.points === 'unknown');
