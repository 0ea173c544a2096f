import { describe, expect, it } from 'vitest';
import type { Instance } from '../instances/instances';
import { commands, mostShown, type Asker } from './commands';

const t = (key: string, values?: Record<string, string | number>) => (values ? `${key} ${Object.values(values).join()}` : key);
const instance = (id: string, name: string) => ({ id, name, server: 'mqtt.example.org', ssl_port: 8883 }) as Instance;
const roles = ['owner', 'member', 'viewer', 'dashboard'];
const asker = (role: string, more: Partial<Asker> = {}): Asker => ({
  may: (least) => roles.indexOf(role) <= roles.indexOf(least),
  operator: false,
  instances: [instance('kqzvbnta', 'Greenhouse'), instance('pwmxerid', 'Home')],
  ...more,
});
const ids = (a: Asker, typed = '') => commands(a, typed, t).map((c) => c.id);

describe('commands', () => {
  it('offers what a role may do', () => {
    expect(ids(asker('member'), 'create')).toContain('new-instance');
    expect(ids(asker('viewer'), 'create')).not.toContain('new-instance');
    expect(ids(asker('viewer'), 'users.create')).toEqual([]);
    expect(ids(asker('dashboard'))).toEqual(['/instances', '/flows', '/team', '/account', '=kqzvbnta', '=pwmxerid']);
    expect(ids(asker('owner'), 'accounts')).toEqual([]);
    expect(ids(asker('owner', { operator: true }), 'nav.accounts')).toEqual(['/accounts']);
  });

  it('finds by several words, in any case and width', () => {
    expect(ids(asker('viewer'), 'ＧＲＥＥＮ menu.log')).toEqual(['kqzvbnta/logins', 'kqzvbnta/log']);
  });

  it('puts the instance that is looked at first, and asks about the word', () => {
    const a = asker('member', { here: instance('pwmxerid', 'Home') });
    expect(ids(a)[0]).toBe('pwmxerid');
    const asked = commands(a, 'esp 32', t);
    expect(asked.map((c) => c.id)).toEqual(['why-client', 'why-user', 'find-connection', 'find-log', 'find-user']);
    expect(asked[0]!.href).toBe('/instances/pwmxerid/why?client=esp%2032');
    expect(ids(asker('dashboard', { here: instance('pwmxerid', 'Home') }), 'esp 32')).toEqual([]);
  });

  it('names every line once', () => {
    const all = ids(asker('owner', { operator: true, here: instance('pwmxerid', 'Home') }), 'e');
    expect(new Set(all).size).toBe(all.length);
  });

  it('draws a bounded number', () => {
    const many = Array.from({ length: 500 }, (_, n) => instance('i' + n, 'Instance ' + n));
    expect(ids(asker('owner', { instances: many })).length).toBe(mostShown);
  });
});
