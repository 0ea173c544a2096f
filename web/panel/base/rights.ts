// What a role may do, as the server judges it: internal/panel/routes.go says which role a request needs, and
// internal/account/roles.go which role has it. Here it only decides what is offered; the server judges in any case.

export type Role = 'owner' | 'member' | 'viewer' | 'dashboard';

/** roles are all of them, the one that may most first: each may all that the ones behind it may. */
export const roles: readonly Role[] = ['owner', 'member', 'viewer', 'dashboard'];

/** Standing is what a person is in the account that is looked at. */
export interface Standing {
  role: Role;
  suspended?: boolean; // everything can be looked at, nothing used
}

/** Refusal names the text that says why not. */
export type Refusal = 'rights.suspended' | 'rights.member' | 'rights.viewer' | 'rights.dashboard';

/** refusal says why what needs a role isn't for somebody; undefined where it is. Who has no or an unknown role may nothing. */
export function refusal(has: Standing | undefined, needs: Role): Refusal | undefined {
  const have = has ? roles.indexOf(has.role) : -1;
  if (!has || have < 0) return 'rights.dashboard';
  if (have > roles.indexOf(needs)) return has.role === 'member' ? 'rights.member' : has.role === 'viewer' ? 'rights.viewer' : 'rights.dashboard';
  if (has.suspended && roles.indexOf(needs) <= roles.indexOf('member')) return 'rights.suspended';
  return undefined;
}
