// How long retained messages stay whose publishers gave them no time, as the API gives it.
import { get, patch } from '../base/api';
import { instancePath } from '../instances/instances';

export interface Expiries {
  filters: { filter: string; seconds: number }[]; // of several that match, the first one holds
}

const at = (id: string) => instancePath(id) + '/retained-expiry';

export const getExpiries = (id: string, signal?: AbortSignal) => get<Expiries>(at(id), undefined, signal);
export const setExpiries = (id: string, filters: Expiries['filters'], was: Expiries) => patch<Expiries>(at(id), { filters }, was);

export const units = { minutes: 60, hours: 3600, days: 86_400 } as const; // in seconds
export type Unit = keyof typeof units;

/** split is a time in the largest unit in which it is a whole number. */
export function split(seconds: number): { n: string; unit: Unit } {
  const unit = (['days', 'hours'] as const).find((u) => seconds % units[u] === 0) ?? 'minutes';
  return { n: String(Math.round((seconds / units[unit]) * 100) / 100), unit };
}

/** join is the time of a number and a unit in seconds. */
export const join = (n: string, unit: Unit) => Math.round(Number(n) * units[unit]);
