// Signing in with another provider's account (OpenID Connect): the browser goes there, and comes back to /sign-in/<id>.
import { post } from '../base/api';
import { currentLanguage } from '../base/i18n.svelte';
import { safeNext } from '../base/route';
import type { Proof } from './proof.svelte';

export interface Provider {
  id: string;
  name: string;
}

export interface Identity {
  id: string;
  provider: string;
  email: string;
  created_at: string;
  used_at?: string;
}

/** Answer is what a provider sent back, as it stands in the address. */
export interface Answer {
  state: string;
  code?: string;
  iss?: string;
  error?: string;
}

/** readAnswer takes an answer out of a query; undefined where there is none. */
export function readAnswer(search: string): Answer | undefined {
  const params = new URLSearchParams(search);
  const state = params.get('state');
  if (!state || params.getAll('state').length > 1) return undefined;
  const out: Answer = { state };
  for (const name of ['code', 'iss', 'error'] as const) {
    const value = params.get(name);
    if (value) out[name] = value;
  }
  return out;
}

const nextKey = 'tsunagi.next';

/** visit has the browser go to a provider to sign in, and keeps where it wanted to. */
export async function visit(provider: string, next: string): Promise<void> {
  const { address } = await post<{ address: string }>('/session/provider/new', { provider, language: currentLanguage() });
  sessionStorage.setItem(nextKey, safeNext(next));
  location.assign(address);
}

/** visitToLink is visit for somebody who is signed in and wants to link the identity. */
export async function visitToLink(provider: string, proof: Proof): Promise<void> {
  const { address } = await post<{ address: string }>('/identities/new', { provider, ...proof });
  location.assign(address);
}

/** visitToConfirm is visit for somebody who is signed in and confirms that it is them; they come back to this page. */
export async function visitToConfirm(provider: string, purpose: string, object: string): Promise<void> {
  const { address } = await post<{ address: string }>('/session/confirm/provider', { provider, purpose, object });
  sessionStorage.setItem(nextKey, location.pathname + location.search);
  location.assign(address);
}

/** Confirmed is what came of it. */
export interface Confirmed {
  confirmation: string;
  purpose: string;
  object?: string;
}

const confirmedKey = 'tsunagi.confirmed';
const confirmedLife = 4.5 * 60_000; // ms; on the server it is half a minute more

/** keep keeps a confirmation for the page that wants it: it works once, in this session, for one thing. */
export function keep(confirmed: Confirmed, now = Date.now()): void {
  sessionStorage.setItem(confirmedKey, JSON.stringify({ ...confirmed, until: now + confirmedLife }));
}

/** keptFor is the confirmation for a purpose and a thing, where there is one; take uses it up. */
export function keptFor(purpose: string, object: string, take = false, now = Date.now()): string | undefined {
  const raw = sessionStorage.getItem(confirmedKey);
  if (!raw) return undefined;
  const kept = JSON.parse(raw) as Confirmed & { until: number };
  if (now >= kept.until) sessionStorage.removeItem(confirmedKey);
  if (now >= kept.until || kept.purpose !== purpose || (kept.object ?? '') !== object) return undefined;
  if (take) sessionStorage.removeItem(confirmedKey);
  return kept.confirmation;
}

/** takeNext is where the browser wanted to go before it went to a provider. */
export function takeNext(): string {
  const next = safeNext(sessionStorage.getItem(nextKey));
  sessionStorage.removeItem(nextKey);
  return next;
}
