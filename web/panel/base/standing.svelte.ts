// What the person at this page is in the account that is looked at, so that pages offer only what the server will do.
import { t } from './i18n.svelte';
import { refusal, type Role, type Standing } from './rights';

let account = $state.raw<Standing>();
let thing = $state.raw<Standing>();

/** standAs tells what the person is in the account that is looked at; undefined while nobody is signed in. */
export function standAs(now: Standing | undefined): void {
  account = now;
}

/**
 * standAt tells what the person is in the account that the page's instance or device belongs to, until the page ends:
 * a link may lead to one of another account. Call it while a component is made; undefined: not known yet.
 */
export function standAt(of: () => Partial<Standing> | undefined): void {
  $effect.pre(() => {
    const now = of();
    thing = now?.role && { role: now.role, suspended: now.suspended };
    return () => (thing = undefined);
  });
}

/** may says whether the role is enough for what the page is about, and nothing stands against it. The server judges in any case. */
export const may = (needs: Role): boolean => refusal(thing ?? account, needs) === undefined;

/** mayInAccount is the same for the account that is looked at, whatever the page is about. */
export const mayInAccount = (needs: Role): boolean => refusal(account, needs) === undefined;

/** whyNot says for people why the role isn't enough; undefined where it is, or where nothing is needed. */
export function whyNot(needs?: Role): string | undefined {
  const key = needs && refusal(thing ?? account, needs);
  return key && t(key);
}
