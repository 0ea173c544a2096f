// What the operator's pages know of accounts.
import { get, patch, post, remove, segment } from '../base/api';
import { t } from '../base/i18n.svelte';

export interface Standing {
  id: string;
  name: string;
  kind: 'owner' | 'member' | 'team';
  plan: string;
  created_at: string;
  seen_at?: string;
  suspended?: { since: string; why: string };
  instance_limit: number;
  owners?: string[];
  members?: number;
  usage: {
    instances: number;
    flow_servers: number;
    devices: number;
    connections: number;
    sessions: number;
    retained: number;
    messages_in: number;
    messages_out: number;
  };
}

export interface StandingDetails extends Standing {
  instances: { id: string; name: string; plan: string; stats: { connections: number; messages_in: number; messages_out: number } }[];
}

const path = (id: string) => '/accounts/' + segment(id);

export const getAccount = (id: string, signal?: AbortSignal) => get<StandingDetails>(path(id), undefined, signal);
export const changeAccount = (was: StandingDetails, change: { plan: string; instance_limit: number }) => patch<StandingDetails>(path(was.id), change, was);
export const suspendAccount = (id: string, why: string) => post<StandingDetails>(path(id) + '/suspend', { why });
export const resumeAccount = (id: string) => post<StandingDetails>(path(id) + '/resume');
export const deleteAccount = (was: StandingDetails) => remove(path(was.id), was);

export function kindText(kind: Standing['kind']): string {
  const texts = { owner: t('accounts.host'), member: t('accounts.person'), team: t('accounts.team') };
  return texts[kind];
}
