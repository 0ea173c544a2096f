// What to say when something failed.
import { ApiError } from './api';
import { t, type Key } from './i18n.svelte';

const words: Record<string, Key> = {
  unreachable: 'error.unreachable',
  unauthorized: 'error.unauthorized',
  forbidden: 'error.forbidden',
  not_found: 'error.not_found',
  conflict: 'error.conflict',
  limit: 'error.limit',
  rate_limited: 'error.rate_limited',
  invalid: 'error.invalid',
};

/** errorText prefers the server's own sentence, which knows more, over the general one. */
export function errorText(cause: unknown): string {
  if (!(cause instanceof ApiError)) return t('error.internal');
  return cause.message || t(words[cause.code] ?? 'error.internal');
}
