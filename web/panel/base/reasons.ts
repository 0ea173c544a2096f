// MQTT reason codes in plain words: what happened and what to do.
import { t, type Key } from './i18n.svelte';
import { formatReason } from './format';

const words: Record<number, Key> = {
  0x00: 'reason.silent',
  0x80: 'reason.unspecified',
  0x81: 'reason.malformed',
  0x82: 'reason.protocol',
  0x83: 'reason.implementation',
  0x84: 'reason.version',
  0x85: 'reason.client_id',
  0x86: 'reason.login',
  0x87: 'reason.not_authorized',
  0x88: 'reason.unavailable',
  0x89: 'reason.busy',
  0x8a: 'reason.banned',
  0x8b: 'reason.shutting_down',
  0x8d: 'reason.keep_alive',
  0x8e: 'reason.taken_over',
  0x8f: 'reason.filter',
  0x90: 'reason.topic',
  0x93: 'reason.receive_maximum',
  0x95: 'reason.too_large',
  0x96: 'reason.rate',
  0x97: 'reason.quota',
  0x98: 'reason.kicked',
  0x99: 'reason.payload_format',
  0x9a: 'reason.no_retain',
  0x9b: 'reason.no_qos',
  0x9c: 'reason.other_server',
  0x9d: 'reason.moved',
  0x9e: 'reason.no_shared',
  0x9f: 'reason.connection_rate',
  0xa0: 'reason.connect_time',
  0xa2: 'reason.no_wildcard',
};

/** reasonText explains a reason code in the language of the page. */
export function reasonText(code: number): string {
  const key = words[code];
  return key ? t(key) : t('reason.other', { code: formatReason(code) });
}
