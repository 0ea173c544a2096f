// What the command palette offers: pages, instances and what can be done, for the role of who asks.
import type { Key } from '../base/i18n.svelte';
import type { Instance } from '../instances/instances';
import { instancePages } from '../instances/pages';

/** Command is one line of the palette: it leads to a page of ours, or copies a text. */
export interface Command {
  id: string;
  kind: 'page' | 'instance' | 'action';
  label: string;
  of?: string; // the instance that it is about
  href?: string;
  copy?: { value: string; what: string };
}

/** Who asks, and where they are. */
export interface Asker {
  may: (role: 'owner' | 'member' | 'viewer') => boolean;
  operator: boolean; // runs the server
  here?: Instance; // the instance whose page is open
  instances: readonly Instance[];
}

type Text = (key: Key, values?: Record<string, string | number>) => string;

/** mostShown is how many lines are drawn. */
export const mostShown = 40;

const sections: readonly { href: string; name: Key; operator?: boolean; least?: 'viewer' | 'member' | 'owner' }[] = [
  { href: '/instances', name: 'nav.instances' },
  { href: '/flows', name: 'nav.flows' },
  { href: '/devices', name: 'nav.devices', least: 'viewer' },
  { href: '/team', name: 'team.title' },
  { href: '/account', name: 'nav.account' },
  { href: '/account/audit', name: 'audit.title', least: 'viewer' },
  { href: '/accounts', name: 'nav.accounts', operator: true },
  { href: '/invitations', name: 'invitations.title', operator: true },
  { href: '/certificates', name: 'certificates.title', operator: true },
  { href: '/log', name: 'palette.server_log', operator: true },
];

/** commands are all that an asker may want, the nearest first. The words typed so far make questions of their own. */
export function commands(a: Asker, typed: string, t: Text): Command[] {
  const list: Command[] = [];
  if (a.here) list.push(...ofInstance(a.here, a, t));
  for (const s of sections) {
    if ((s.operator && !a.operator) || (s.least && !a.may(s.least))) continue;
    list.push({ id: s.href, kind: 'page', label: t(s.name), href: s.href });
  }
  if (a.may('member')) {
    list.push({ id: 'new-instance', kind: 'action', label: t('instances.create'), href: '/instances/new' });
    list.push({ id: 'new-flow', kind: 'action', label: t('flows.create'), href: '/flows?create=1' });
    list.push({ id: 'new-device', kind: 'action', label: t('devices.add'), href: '/devices?create=1' });
  }
  for (const one of a.instances) {
    list.push({ id: '=' + one.id, kind: 'instance', label: one.name, of: one.id, href: path(one) });
    if (one.id !== a.here?.id) list.push(...ofInstance(one, a, t));
  }
  const found = filter(list, typed);
  return [...found.slice(0, mostShown), ...questions(a, typed, t)];
}

const path = (i: Instance) => '/instances/' + encodeURIComponent(i.id);

function ofInstance(i: Instance, a: Asker, t: Text): Command[] {
  if (!a.may('viewer')) return [];
  const of = i.name;
  const list: Command[] = instancePages.map((p) => ({ id: i.id + p.path, kind: 'page', label: t(p.name), of, href: path(i) + p.path }));
  if (a.may('member')) list.push({ id: i.id + '+user', kind: 'action', label: t('users.create'), of, href: path(i) + '/users?create=1' });
  const host = t('details.server');
  list.push({ id: i.id + '+host', kind: 'action', label: t('copy.copy', { what: host }), of, copy: { value: i.server, what: host } });
  const address = t('palette.address');
  list.push({ id: i.id + '+address', kind: 'action', label: t('copy.copy', { what: address }), of, copy: { value: `mqtts://${i.server}:${i.ssl_port}`, what: address } });
  return list;
}

/** questions are what can be asked about a word: why it doesn't work, and where it is. */
function questions(a: Asker, typed: string, t: Text): Command[] {
  const word = typed.trim();
  const about = a.here ?? (a.instances.length === 1 ? a.instances[0] : undefined);
  if (!word || !about || !a.may('viewer')) return [];
  const asked: [string, Key, string][] = [
    ['why-client', 'palette.why_client', '/why?client='],
    ['why-user', 'palette.why_user', '/why?user='],
    ['find-connection', 'palette.find_connection', '/connections?query='],
    ['find-log', 'palette.find_log', '/log?query='],
    ['find-user', 'palette.find_user', '/users?query='],
  ];
  return asked.map(([id, name, to]) => ({ id, kind: 'action', label: t(name, { word }), of: about.name, href: path(about) + to + encodeURIComponent(word) }));
}

const plain = (text: string) => text.normalize('NFKC').toLowerCase();

/** filter keeps what has every word of a text; what begins with the first of them comes first. */
export function filter(list: readonly Command[], typed: string): Command[] {
  const words = plain(typed).split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...list];
  const rank = (c: Command) => (plain(c.label).startsWith(words[0]!) ? 0 : 1);
  return list
    .filter((c) => {
      const all = plain([c.label, c.of, c.href].join(' '));
      return words.every((word) => all.includes(word));
    })
    .sort((x, y) => rank(x) - rank(y));
}
