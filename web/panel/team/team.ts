// What pages know of teams.
import type { Team } from '../account/session.svelte';
import { get, type List } from '../base/api';
import type { Role } from '../base/rights';

export interface Member {
  id: string;
  email: string;
  role: Role;
  since: string;
  you: boolean;
  etag?: string;
}

export interface Invitation {
  id: string;
  email?: string;
  role: Role;
  expires_at: string;
  link?: string;
}

/**
 * destinations are the accounts to which a person may move an instance: where they make things, and it isn't yet. It may
 * belong to another one than the one that is looked at.
 */
export function destinations<T extends Pick<Team, 'id' | 'role'>>(teams: T[], owner: string | undefined): T[] {
  return owner === undefined ? [] : teams.filter((one) => one.id !== owner && (one.role === 'owner' || one.role === 'member'));
}

/** waiting holds the token of a link while its reader signs in; it is in no address and outlives no reload. */
export const waiting = { token: '' };

export const listTeams = (signal: AbortSignal) => get<List<Team>>('/teams', undefined, signal);
