// The pages of an instance, in the order of their menu.
import type { Key } from '../base/i18n.svelte';

/** instancePages are the pages below an instance's path. */
export const instancePages: readonly { path: string; name: Key }[] = [
  { path: '', name: 'menu.details' },
  { path: '/users', name: 'menu.users' },
  { path: '/logins', name: 'menu.logins' },
  { path: '/addresses', name: 'menu.addresses' },
  { path: '/client', name: 'menu.client' },
  { path: '/topics', name: 'menu.topics' },
  { path: '/retained', name: 'menu.retained' },
  { path: '/connections', name: 'menu.connections' },
  { path: '/history', name: 'menu.history' },
  { path: '/hooks', name: 'menu.hooks' },
  { path: '/bridges', name: 'menu.bridges' },
  { path: '/log', name: 'menu.log' },
  { path: '/why', name: 'menu.why' },
  { path: '/statistics', name: 'menu.statistics' },
];
