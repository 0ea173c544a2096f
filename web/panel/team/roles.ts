// The roles in words.
import { t } from '../base/i18n.svelte';
import type { Role } from '../base/rights';

export function roleText(role: Role): string {
  const texts = { owner: t('team.owner'), member: t('team.member'), viewer: t('team.viewer'), dashboard: t('team.dashboard') };
  return texts[role];
}
