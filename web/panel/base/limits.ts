// Bounds of a plan, of which 0 means that there is none.
import { formatNumber } from './format';
import { t } from './i18n.svelte';

export const limitText = (n: number): string => (n === 0 ? t('limit.none') : formatNumber(n));

/** usedText says how much of a bound is used. */
export function usedText(used: number, limit: number): string {
  const values = { used: formatNumber(used), limit: formatNumber(limit) };
  return limit === 0 ? values.used : t('details.used_of', values);
}
