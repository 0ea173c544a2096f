import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusal, roles, type Refusal, type Role, type Standing } from './rights';

const source = (path: string) => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8');

describe('refusal', () => {
  const suspended = (role: Role): Standing => ({ role, suspended: true });
  it.each<[Standing | undefined, Partial<Record<Role, Refusal>>]>([
    [{ role: 'owner' }, {}],
    [{ role: 'member' }, { owner: 'rights.member' }],
    [{ role: 'viewer' }, { owner: 'rights.viewer', member: 'rights.viewer' }],
    [{ role: 'dashboard' }, { owner: 'rights.dashboard', member: 'rights.dashboard', viewer: 'rights.dashboard' }],
    [suspended('owner'), { owner: 'rights.suspended', member: 'rights.suspended' }],
    [suspended('member'), { owner: 'rights.member', member: 'rights.suspended' }],
    [suspended('viewer'), { owner: 'rights.viewer', member: 'rights.viewer' }],
    [undefined, { owner: 'rights.dashboard', member: 'rights.dashboard', viewer: 'rights.dashboard', dashboard: 'rights.dashboard' }],
    [{ role: 'guest' as Role }, { owner: 'rights.dashboard', member: 'rights.dashboard', viewer: 'rights.dashboard', dashboard: 'rights.dashboard' }],
  ])('%j', (has, want) => {
    for (const needs of roles) expect([needs, refusal(has, needs)]).toEqual([needs, want[needs]]);
  });
});

// The server's own tables: where one changes, the buttons that these roles stand at have to be looked at again.
describe('the server', () => {
  it('has the same roles in the same order', () => {
    const go = source('internal/account/roles.go');
    const names = Object.fromEntries([...go.matchAll(/(Team\w+)\s+TeamRole = "(\w+)"/g)].map((m) => [m[1], m[2]]));
    const order = /teamRoles = \[\]TeamRole\{([^}]*)\}/.exec(go)![1]!.split(',').map((one) => names[one.trim()]);
    expect(order).toEqual(roles);
  });

  const routes = [...source('internal/panel/routes.go').matchAll(/\{"([A-Z]+) ([^"]+)", (\w+), \d+, "([^"]+)"/g)].map((m) => ({ method: m[1]!, level: m[3]!, name: m[4]! }));
  const named = (...levels: string[]) => routes.filter((r) => r.method !== 'GET' && levels.includes(r.level)).map((r) => r.name).sort();

  it('lets owners alone do what the panel shows to owners alone', () => {
    expect(named('govern')).toEqual(
      [
        ...['create-token', 'delete-token'],
        ...['rename-team', 'delete-team', 'change-member', 'remove-member', 'invite-to-team', 'delete-team-invitation'],
        ...['move-instance', 'checkout', 'billing-portal', 'export-instance', 'restore-instance'],
      ].sort(),
    );
  });

  it('lets viewers do no more than ask why, and open the web client', () => {
    expect(named('look', 'lookHere', 'glance')).toEqual(['mint-web-token', 'why']);
  });

  it('wants a member for any other change', () => {
    expect(routes.length).toBeGreaterThan(150);
    expect(new Set(routes.map((r) => r.level))).toEqual(new Set(['public', 'own', 'glance', 'look', 'lookHere', 'signedIn', 'browser', 'govern', 'owner']));
    expect(source('internal/panel/routes.go')).toMatch(/case signedIn, browser:\s+if method == http\.MethodGet \{\s+return account\.TeamViewer\s+\}\s+return account\.TeamMember/);
  });
});
