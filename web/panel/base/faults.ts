// Faults of bridges, webhooks and rules in the language of the page. The server gives code and parameters.
import { t, type Key } from './i18n.svelte';

/** Told is a fault as the server tells it. */
export interface Told {
  code: string;
  args?: Record<string, string>;
  detail?: string; // the words of the program that saw it
}

const texts: Record<string, Key> = {
  authority: 'fault.authority',
  broken: 'fault.broken',
  calls_used_up: 'fault.calls_used_up',
  circle: 'fault.circle',
  closed: 'fault.closed',
  dismissed: 'fault.dismissed',
  echoes: 'fault.echoes',
  ended: 'fault.ended',
  expired: 'fault.expired',
  forgotten: 'fault.forgotten',
  here_ended: 'fault.here_ended',
  here_full: 'fault.here_full',
  here_message: 'fault.here_message',
  here_refused: 'fault.here_refused',
  here_refuses: 'fault.here_refuses',
  here_subscription: 'fault.here_subscription',
  host: 'fault.host',
  in_large: 'fault.in_large',
  in_nowhere: 'fault.in_nowhere',
  inner: 'fault.inner',
  late: 'fault.late',
  letter_not_kept: 'fault.letter_not_kept',
  letter_unusable: 'fault.letter_unusable',
  letters_full: 'fault.letters_full',
  login: 'fault.login',
  mail: 'fault.mail',
  missed: 'fault.missed',
  missing: 'fault.missing',
  most_qos: 'fault.most_qos',
  name: 'fault.name',
  no_broker: 'fault.no_broker',
  no_tls: 'fault.no_tls',
  out_large: 'fault.out_large',
  out_nowhere: 'fault.out_nowhere',
  pings: 'fault.pings',
  readers: 'fault.readers',
  redirect_loses: 'fault.redirect_loses',
  redirect_plain: 'fault.redirect_plain',
  redirects: 'fault.redirects',
  refused: 'fault.refused',
  rights: 'fault.rights',
  roots: 'fault.roots',
  rules_too_many: 'fault.rules_too_many',
  silent: 'fault.silent',
  speech: 'fault.speech',
  status: 'fault.status',
  text_long: 'fault.text_long',
  there_full: 'fault.there_full',
  there_refused: 'fault.there_refused',
  there_subscription: 'fault.there_subscription',
  tls: 'fault.tls',
  topic: 'fault.topic',
  topic_reserved: 'fault.topic_reserved',
  topics_too_many: 'fault.topics_too_many',
};

/** faultText says what is wrong; words is what the server says in English, for a fault that has no text here. */
export function faultText(told: Told | undefined, words: string | undefined): string {
  const key = told && texts[told.code];
  return key ? t(key, told.args) : (words ?? '');
}

/** foreign says whether faultText has only the server's own English words. */
export const foreign = (told: Told | undefined) => !(told && texts[told.code]);
