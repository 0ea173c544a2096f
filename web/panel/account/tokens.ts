import { t } from '../base/i18n.svelte';

/** Token is an API token; the token itself stands in the answer that made it, and nowhere else. */
export interface Token {
  id: string;
  name: string;
  scope: 'read' | 'manage';
  instance?: string;
  expires_at?: string;
  used_at?: string;
  token?: string;
}

export function scopeText(scope: Token['scope']): string {
  return scope === 'read' ? t('account.tokens_scope_read') : t('account.tokens_scope_manage');
}
