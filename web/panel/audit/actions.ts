// What was done, in words. The API names actions by codes such as team.rename, which never change.
import { t, type Key } from '../base/i18n.svelte';

const words = [
  'audit.did_account_change',
  'audit.did_account_create',
  'audit.did_account_delete',
  'audit.did_account_password',
  'audit.did_account_reset',
  'audit.did_account_reset_ask',
  'audit.did_account_resume',
  'audit.did_account_sign_in_mails',
  'audit.did_account_suspend',
  'audit.did_address_change',
  'audit.did_address_create',
  'audit.did_address_delete',
  'audit.did_authority_add',
  'audit.did_authority_delete',
  'audit.did_ban_create',
  'audit.did_ban_lift',
  'audit.did_bridge_change',
  'audit.did_bridge_create',
  'audit.did_bridge_delete',
  'audit.did_bridge_test',
  'audit.did_certificate_issue',
  'audit.did_certificate_revoke',
  'audit.did_client_ids_change',
  'audit.did_connection_kick',
  'audit.did_device_change',
  'audit.did_device_code',
  'audit.did_device_open',
  'audit.did_device_pages',
  'audit.did_device_pair',
  'audit.did_device_push',
  'audit.did_device_restart',
  'audit.did_device_restore',
  'audit.did_device_rotate',
  'audit.did_device_unpair',
  'audit.did_device_update',
  'audit.did_factor_create',
  'audit.did_factor_delete',
  'audit.did_factor_recovery',
  'audit.did_flow_server_create',
  'audit.did_flow_server_delete',
  'audit.did_flow_server_open',
  'audit.did_flow_server_restart',
  'audit.did_guard_change',
  'audit.did_history_change',
  'audit.did_hook_change',
  'audit.did_hook_create',
  'audit.did_hook_delete',
  'audit.did_hook_drop',
  'audit.did_hook_retry',
  'audit.did_hook_rotate',
  'audit.did_hook_test',
  'audit.did_host_name_add',
  'audit.did_host_name_lapse',
  'audit.did_host_name_prove',
  'audit.did_host_name_remove',
  'audit.did_identity_create',
  'audit.did_identity_delete',
  'audit.did_instance_checkout',
  'audit.did_instance_create',
  'audit.did_instance_delete',
  'audit.did_instance_export',
  'audit.did_instance_import',
  'audit.did_instance_key_reveal',
  'audit.did_instance_key_rotate',
  'audit.did_instance_move',
  'audit.did_instance_plan',
  'audit.did_instance_rename',
  'audit.did_instance_reset',
  'audit.did_instance_restart',
  'audit.did_instance_reveal',
  'audit.did_instance_subscription',
  'audit.did_invitation_create',
  'audit.did_invitation_delete',
  'audit.did_logins_change',
  'audit.did_metrics_token',
  'audit.did_page_key_create',
  'audit.did_page_key_delete',
  'audit.did_passkey_create',
  'audit.did_passkey_delete',
  'audit.did_passkey_rename',
  'audit.did_retained_clear',
  'audit.did_retained_expiry',
  'audit.did_rule_change',
  'audit.did_rule_create',
  'audit.did_rule_delete',
  'audit.did_session_code',
  'audit.did_session_create',
  'audit.did_session_delete',
  'audit.did_session_end',
  'audit.did_session_forget',
  'audit.did_team_create',
  'audit.did_team_delete',
  'audit.did_team_invite',
  'audit.did_team_join',
  'audit.did_team_leave',
  'audit.did_team_remove',
  'audit.did_team_rename',
  'audit.did_team_role',
  'audit.did_team_uninvite',
  'audit.did_token_create',
  'audit.did_token_delete',
  'audit.did_token_key_add',
  'audit.did_token_key_delete',
  'audit.did_user_change',
  'audit.did_user_create',
  'audit.did_user_delete',
  'audit.did_users_import',
] as const satisfies readonly Key[];

const known = new Map<string, Key>(words.map((key) => [key, key]));

/** Ways in which something was done, as the API calls them. */
const ways: Record<string, Key> = {
  panel: 'audit.how_panel',
  token: 'audit.how_token',
  admin: 'audit.how_admin',
  device: 'audit.how_device',
  billing: 'audit.how_billing',
  server: 'audit.how_server',
};

/** wayText says how something was done. */
export function wayText(via: string): string {
  if (via.startsWith('flow ')) return t('audit.how_flow', { name: via.slice(5) });
  return ways[via] ? t(ways[via]) : via;
}

/** codesOf are the codes of actions and ways whose words contain what is looked for, separated by commas. */
export function codesOf(query: string): string {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return '';
  const found = (key: Key) => t(key).toLowerCase().includes(wanted);
  return [...words.filter(found).map((key) => key.slice('audit.did_'.length)), ...Object.keys(ways).filter((via) => found(ways[via]!))].join(',');
}

/** actionText says what was done; an action of a newer server keeps its code. */
export function actionText(code: string): string {
  const key = known.get('audit.did_' + code.replaceAll('.', '_'));
  return key ? t(key) : code;
}
