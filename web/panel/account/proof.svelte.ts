// Showing again that it is you, before something that an open browser alone shouldn't do: by the account's password, a
// passkey, or signing in anew with a provider.
import { get, post } from '../base/api';
import { t } from '../base/i18n.svelte';
import { canPasskey, confirmWithPasskey, PasskeyCancelled } from './passkeys';
import { keptFor, visitToConfirm, type Provider } from './providers';

/** Purpose is the operation of the API that asks. */
export type Purpose =
  | 'reveal-password'
  | 'reveal-key'
  | 'export-instance'
  | 'change-account'
  | 'delete-own-account'
  | 'create-factor'
  | 'remove-factor'
  | 'new-recovery-codes'
  | 'begin-passkey'
  | 'remove-passkey'
  | 'begin-identity'
  | 'remove-identity'
  | 'create-token';

/** Proof is what such an operation takes. */
export interface Proof {
  password?: string;
  confirmation?: string;
}

/** Ways are those that the person has. */
export interface Ways {
  password: boolean;
  passkey: boolean;
  providers: Provider[];
}

/** Way is one of them; a provider's is its id behind "at ". */
export type Way = 'password' | 'passkey' | `at ${string}`;

/** waysIn lists what can be chosen from in a browser that knows passkeys or not. */
export function waysIn(ways: Ways, passkeys: boolean): Way[] {
  const out: Way[] = [];
  if (ways.passkey && passkeys) out.push('passkey');
  if (ways.password) out.push('password');
  for (const one of ways.providers) out.push(`at ${one.id}`);
  return out;
}

const chosenKey = 'tsunagi.proof';

// What the server said last; until it has said anything a password is asked for, which nearly everybody has.
let known = $state.raw<Ways>({ password: true, passkey: false, providers: [] });

/** Proving is one place where it is asked for. */
export class Proving {
  readonly purpose: Purpose;
  private readonly thing: () => string;
  private chosen = $state<Way>();
  password = $state('');
  fault = $state('');

  /** thing is the id of what it is about; none where that is the account. */
  constructor(purpose: Purpose, thing: () => string = () => '') {
    this.purpose = purpose;
    this.thing = thing;
  }

  get ways(): Way[] {
    return waysIn(known, canPasskey());
  }

  /** way is the chosen one, else the one used last in this browser, else the first. */
  get way(): Way | undefined {
    const { ways } = this;
    const wanted = this.chosen ?? localStorage.getItem(chosenKey);
    return ways.find((one) => one === wanted) ?? ways[0];
  }

  set way(way: Way) {
    this.chosen = way;
    localStorage.setItem(chosenKey, way);
  }

  get provider(): Provider | undefined {
    return known.providers.find((one) => this.way === `at ${one.id}`);
  }

  /** confirmed says that a provider has confirmed it just now. */
  get confirmed(): boolean {
    return keptFor(this.purpose, this.thing()) !== undefined;
  }

  /** look asks the server which ways there are. */
  async look(): Promise<void> {
    known = await get<Ways>('/session/confirm');
  }

  /**
   * give is the proof, or undefined where the person gave none: fault says why. To a provider the browser goes away, and
   * it never comes to an end.
   */
  async give(): Promise<Proof | undefined> {
    this.fault = '';
    const { way, provider } = this;
    if (way === 'password') return { password: this.password };
    const thing = this.thing();
    try {
      if (way === 'passkey') return { confirmation: await confirmWithPasskey(this.purpose, thing) };
    } catch (cause) {
      if (!(cause instanceof PasskeyCancelled)) throw cause;
      this.fault = t('passkeys.cancelled');
      return undefined;
    }
    const kept = keptFor(this.purpose, thing, true);
    if (kept) return { confirmation: kept };
    if (!provider) {
      this.fault = t('proof.none');
      return undefined;
    }
    await visitToConfirm(provider.id, this.purpose, thing);
    return new Promise(() => {});
  }

  /** clear forgets what was typed. */
  clear(): void {
    this.password = this.fault = '';
  }
}
