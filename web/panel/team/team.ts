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

/** waiting holds the token of a link while its reader signs in; it is in no address and outlives no reload. */
export const waiting = { token: '' };

export const listTeams = (signal: AbortSignal) => get<List<Team>>('/teams', undefined, signal);
