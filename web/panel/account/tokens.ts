import { formatTime } from '../base/format';
import { t } from '../base/i18n.svelte';

/** Token is an API token; the token itself stands in the answer that made it, and nowhere else. */
export interface Token {
  id: string;
  name: string;
  scope: 'read' | 'manage' | 'publish' | 'subscribe' | 'publish-subscribe';
  instance?: string;
  topics?: string[];
  expires_at?: string;
  used_at?: string;
  token?: string;
}

/** usedText says when something that opens the account was used last. */
export function usedText(at?: string): string {
  return at ? t('account.tokens_used', { time: formatTime(at) }) : t('account.tokens_unused');
}

export function scopeText(scope: Token['scope']): string {
  switch (scope) {
    case 'read':
      return t('account.tokens_scope_read');
    case 'manage':
      return t('account.tokens_scope_manage');
    case 'publish':
      return t('account.tokens_scope_publish');
    case 'subscribe':
      return t('account.tokens_scope_subscribe');
    case 'publish-subscribe':
      return t('account.tokens_scope_publish_subscribe');
  }
}

/** forMessages says whether a scope is for messages of one instance alone, on topics of the token's. */
export function forMessages(scope: Token['scope']): boolean {
  return scope !== 'read' && scope !== 'manage';
}
