// Signing in with another provider's account (OpenID Connect): the browser goes there, and comes back to /sign-in/<id>.
import { post } from '../base/api';
import { currentLanguage } from '../base/i18n.svelte';
import { safeNext } from '../base/route';

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
export async function visitToLink(provider: string, password: string): Promise<void> {
  const { address } = await post<{ address: string }>('/identities/new', { provider, password });
  location.assign(address);
}

/** takeNext is where the browser wanted to go before it went to a provider. */
export function takeNext(): string {
  const next = safeNext(sessionStorage.getItem(nextKey));
  sessionStorage.removeItem(nextKey);
  return next;
}
