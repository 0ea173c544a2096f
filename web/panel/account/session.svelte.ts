// Who is signed in, and what the server says about itself.
import { ApiError, get, patch, post, remove, unmake, whenRefused, whenSignedOut, type List } from '../base/api';
import type { Role } from '../base/rights';
import { go } from '../base/router.svelte';
import { standAs } from '../base/standing.svelte';
import { toast } from '../base/toast.svelte';
import { roleText } from '../team/roles';
import { changeOf, pace } from './changes';
import { leaseOf, type Lease } from './ending';
import { signWithPasskey } from './passkeys';
import type { Proof } from './proof.svelte';
import { keep, type Answer, type Confirmed, type Provider } from './providers';
import { currentLanguage, isLanguage, t, useLanguage, type Language } from '../base/i18n.svelte';

export interface Account {
  id: string;
  email: string;
  role: 'owner' | 'member';
  language: string;
  sign_in_mails: boolean; // about sign-ins from new places
}

/** Team is an account as one of its people sees it: the person's own, or a team. */
export interface Team {
  id: string;
  name: string;
  own: boolean;
  role: Role;
  plan: string;
  suspended?: { since: string; why: string };
  etag?: string;
}

interface Session {
  account: Account;
  team: Team;
  now?: string; // by the server's clock
  ends_at?: string;
  idle_ends_at?: string;
}

export interface Status {
  owner: boolean; // false until the first account exists
  signup: 'invite' | 'open' | 'closed';
  version: string;
  passkeys: boolean; // people can sign in with them
  providers: Provider[]; // with which they can sign in as well
}

/** SecondStep is what a sign-in still wants. */
export interface SecondStep {
  ticket: string;
  passkey?: boolean; // one will do for it
}

let account = $state.raw<Account | null>(null);
let team = $state.raw<Team>();
let status = $state.raw<Status>();
let lease = $state.raw<Lease>();
let ready = $state(false);
let looks = $state(0);

export const session = {
  /** account is null while nobody is signed in. */
  get account() {
    return account;
  },
  /** team is the account that is looked at. */
  get team() {
    return team;
  },
  /** lease says until when the sign-in holds. */
  get lease() {
    return lease;
  },
  get status() {
    return status;
  },
  /** looks counts how often it was looked whether others have changed what the person may. */
  get looks() {
    return looks;
  },
  /** ready is true once the server has answered. */
  get ready() {
    return ready;
  },
};

/** boot asks the server who we are. */
export async function boot(): Promise<void> {
  whenSignedOut(() => (account = null));
  const [about] = await Promise.all([get<Status>('/status'), refresh()]);
  status = about;
  ready = true;
}

async function refresh(): Promise<void> {
  try {
    const answer = await get<Session>('/session');
    look(answer);
    lease = leaseOf(answer, Date.now());
    await speak(answer.account.language);
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status !== 401) throw cause;
    account = null;
  }
}

function look(answer: Session): void {
  ({ account, team } = answer);
  standAs({ role: team.role, suspended: team.suspended !== undefined });
}

async function speak(language: string): Promise<void> {
  if (isLanguage(language) && language !== currentLanguage()) await useLanguage(language);
}

/** signIn signs in, or gives the ticket of the second step where the account asks for one, and whether a passkey will do. */
export async function signIn(email: string, password: string): Promise<{ ticket?: string; passkey?: boolean }> {
  const answer = await post<{ ticket?: string; passkey?: boolean }>('/session', { email, password });
  if (!answer.ticket) await refresh();
  return answer;
}

/** arriveFrom ends a visit to a provider with what it sent back: signed in, with a second step to come, linked, or confirmed. */
export async function arriveFrom(provider: string, answer: Answer): Promise<{ linked?: boolean; confirmed?: boolean; step?: SecondStep }> {
  const end = await post<{ linked?: boolean; ticket?: string; passkey?: boolean } & Partial<Confirmed>>('/session/provider', { provider, ...answer });
  if (end.confirmation && end.purpose) {
    keep({ confirmation: end.confirmation, purpose: end.purpose, object: end.object });
    return { confirmed: true };
  }
  if (end.linked) return { linked: true };
  if (end.ticket) return { step: { ticket: end.ticket, passkey: end.passkey } };
  await refresh();
  return {};
}

/** signInPasskey signs in with a passkey; with the ticket of a first step it is the second one. */
export async function signInPasskey(ticket = ''): Promise<void> {
  await signWithPasskey(ticket);
  await refresh();
}

export async function signInSecond(ticket: string, code: string): Promise<void> {
  await post('/session/second', { ticket, code: code.trim() });
  await refresh();
}

/** lookAt has this browser look at another account; '' is the person's own. */
export async function lookAt(id: string): Promise<void> {
  look(await post<Session>('/session/team', { team: id }));
}

/**
 * lookOut asks the server, but not more often than every two seconds, what the person is in the account that is looked at,
 * and says what others have changed. To be called when the person comes back, goes on, or is refused something.
 */
export const lookOut = pace(
  async () => {
    const before = team;
    if (!account || !before) return;
    try {
      await refresh();
      looks++;
      if (!account || !team || (before.id === team.id && before.role === team.role)) return;
      const used = (await get<List<Team>>('/teams')).items.map((one) => one.id);
      const name = team.own ? t('team.own') : team.name;
      const change = changeOf(before, team, used);
      if (change === 'role') toast(t('team.role_now', { name, role: roleText(team.role) }));
      else if (change === 'gone') toast(t('team.gone', { name: before.name }), 'bad');
      else if (change === 'elsewhere') toast(t('team.switched', { name }));
    } catch {
      // it is asked again at the next occasion, and what is refused says why
    }
  },
  2000,
);

/** watch looks out when the person comes back to the page, and when something is refused. It returns how to stop. */
export function watch(): () => void {
  const back = () => document.visibilityState === 'visible' && lookOut();
  whenRefused(lookOut);
  addEventListener('focus', back);
  document.addEventListener('visibilitychange', back);
  return () => {
    whenRefused(() => {});
    removeEventListener('focus', back);
    document.removeEventListener('visibilitychange', back);
  };
}

/** lookAgain asks the server again what is looked at. */
export const lookAgain = (): Promise<void> => refresh();

export async function joinTeam(token: string, password: string): Promise<void> {
  await post('/team-invitations/join', { token, password, language: currentLanguage() });
  await arrive();
}

export async function signOut(): Promise<void> {
  await remove('/session');
  account = null;
  go('/'); // not back to the page of the one who left
}

/** deleteAccount deletes the person's account with all that belongs to it. */
export async function deleteAccount(email: string, proof: Proof): Promise<void> {
  await unmake('/account', { email, ...proof });
  account = null;
  go('/');
}

/** becomeOwner makes the first account with the token of the printed link. */
export async function becomeOwner(token: string, email: string, password: string): Promise<void> {
  await post('/owner', { token, email, password, language: currentLanguage() });
  await arrive();
}

export async function acceptInvitation(token: string, password: string): Promise<void> {
  await post('/invitations/accept', { token, password, language: currentLanguage() });
  await arrive();
}

async function arrive(): Promise<void> {
  status = await get<Status>('/status');
  await refresh();
}

/** chooseLanguage changes the page, and the account when there is one. */
export async function chooseLanguage(language: Language): Promise<void> {
  await useLanguage(language);
  if (account) account = await patch<Account>('/account', { language });
}

/** chooseMails says whether mails come about sign-ins from new places. */
export async function chooseMails(on: boolean): Promise<void> {
  account = await patch<Account>('/account', { sign_in_mails: on });
}

export async function changePassword({ password: old, confirmation }: Proof, fresh: string): Promise<void> {
  await patch('/account', { password: { old, confirmation, new: fresh } });
}
