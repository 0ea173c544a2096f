// The kinds of log entries in words, and how grave they look.
import { t, type Key } from '../base/i18n.svelte';
import { kinds, type Kind } from './events';

const words: Record<Kind, Key> = {
  connected: 'log.connected',
  disconnected: 'log.disconnected',
  refused: 'log.refused',
  denied: 'log.denied',
  dropped: 'log.dropped',
  takeover: 'log.takeover',
  fight: 'log.fight',
  banned: 'log.banned',
  command: 'log.command',
  page: 'log.page',
};

const looks: Record<Kind, 'ok' | 'idle' | 'bad' | 'warn'> = {
  connected: 'ok',
  disconnected: 'idle',
  refused: 'bad',
  denied: 'bad',
  dropped: 'warn',
  takeover: 'warn',
  fight: 'bad',
  banned: 'bad',
  command: 'warn',
  page: 'bad',
};

const known = (kind: string): kind is Kind => (kinds as readonly string[]).includes(kind);

export const kindText = (kind: string) => (known(kind) ? t(words[kind]) : kind);
export const kindLook = (kind: string) => (known(kind) ? looks[kind] : 'idle');
