// Causes of log lines in the language of the page. The server writes them in English; what isn't known here stays so.
import { currentLanguage, t, type Key } from '../base/i18n.svelte';

/** known are the server's sentences; {x} and {y} stand for what differs. A test compares them with the server's source. */
export const known: readonly (readonly [english: string, key: Key])[] = [
  ['wrong password', 'cause.password'],
  ['no such user', 'cause.no_user'],
  ['this user has expired: give it another end on the users page', 'cause.user_expired'],
  ['this user may not connect: allow it on the users page', 'cause.may_not_connect'],
  ['this user is bound to the client id {x}: connect with that one, or free the user on the users page', 'cause.bound'],
  ['too many failed logins from this address: wait some seconds', 'cause.address_tries'],
  ['too many failed logins of this user: wait some seconds', 'cause.user_tries'],
  ['MQTT without TLS is not accepted here: connect with TLS to {x}; the password has just crossed the network in clear, so change it', 'cause.clear'],
  ['MQTT without TLS is not accepted here: connect with TLS to {x}', 'cause.no_tls'],
  ['a connection from {x} uses the same client identifier', 'cause.takeover'],
  ['another connection uses this client identifier', 'cause.taken_over'],
  ['a message was refused ({x}), which MQTT 3 can only tell by closing the connection', 'cause.v3_closed'],
  ['the user may not publish to this topic', 'cause.publish'],
  ['the user may not subscribe to this filter', 'cause.subscribe'],
  ['the client may not receive this topic; its subscription covers more than its rules allow', 'cause.receive'],
  ['the queue of the client is full; its oldest messages were dropped', 'cause.queue'],
  ['the queue of the shared subscription is full; its oldest messages were dropped', 'cause.group_queue'],
  ['no member of the shared subscription could take a QoS 0 message', 'cause.group_slow'],
  ['the client reads more slowly than messages come; QoS 0 messages were dropped', 'cause.slow'],
  ["the client's Maximum Packet Size is less than the message", 'cause.too_large'],
  ["the message's expiry has passed while it waited for the client", 'cause.expired'],
  ['the session ended with its connection, and with it the messages that waited: connect with a session expiry and without clean start', 'cause.session_ended'],
  ['the session ended while messages waited for the client: it had been away for longer than its session expiry, or was ended on purpose', 'cause.session_expired'],
  ['the will was not published: its user may not publish to its topic any more', 'cause.will'],
  ['this login holds no more: the user, password, certificate or key was changed or withdrawn', 'cause.withdrawn'],
  ["disconnected by the instance's people in the panel", 'cause.kicked'],
  ["session ended by the instance's people in the panel", 'cause.forgotten'],
  ['an address rule of this instance refuses clients from {x}: change it on the addresses page', 'cause.address_rule'],
  ['no address rule of this instance lets clients come from {x}: add one on the addresses page', 'cause.address_others'],
  ['this address is shut out until {x}: lift the ban on the addresses page', 'cause.ban'],
  ['after too many different wrong logins this address is shut out until {x}: lift the ban on the addresses page', 'cause.guesses'],
  ['a command is retained here: whoever subscribes later carries it out again, also after a restart; publish it without the retain flag, and delete this one on the page Retained', 'cause.command'],
  ['a page of {x} logs in with a password that opens every topic, and everybody who sees the page can read it: give the page a publishable key (Logins), and this user a new password', 'cause.page'],
  ['more than {x} clients log in in a minute: raise the bound on the addresses page, or find out which client connects again and again', 'cause.connect_rate'],
  ["two clients use this client identifier, from {x}, and end each other's connection: give each its own", 'cause.fight_two'],
  ['this client identifier connects from {x} again and again while it is connected: two clients behind one address, or one that begins anew without closing its connection; give each client its own', 'cause.fight_one'],
  ["no such instance: the user name must be <instance>:<user>, or an instance's id for its first user", 'cause.no_instance'],
  ['the account of this instance is suspended by the operator of the server: {x}', 'cause.suspended'],
  ['too many password checks at once: try again', 'cause.checks'],
  ['no such publishable key', 'cause.no_key'],
  ['the publishable key {x} has expired', 'cause.key_expired'],
  ["the publishable key {x} isn't for pages of {y}: allow this origin, or use a user for what is no page", 'cause.key_origin'],
  ['a publishable key in the address and a user name or password in CONNECT: leave one of them out', 'cause.key_both'],
  ["this instance wants a certificate of every client, which pages don't have", 'cause.key_certificate'],
  ['the login changed while it was judged', 'cause.changed'],
  ['the client subscribes more often than the plan allows; it should keep its subscriptions', 'cause.subscribe_rate'],
  ['the plan allows no more subscriptions for one client', 'cause.subscriptions'],
  ['the plan allows no more subscriptions for the whole instance', 'cause.all_subscriptions'],
  ["the client identifier belongs to another user's session", 'cause.other_session'],
  ['the client of user {x} from {y} has this client identifier, and this instance refuses newcomers: give each client its own, or let newcomers take over on the page Details', 'cause.client_id_taken'],
  ['no complete CONNECT in time', 'cause.no_connect'],
  ['connection timed out', 'cause.timed_out'],
  ['connection closed by the peer', 'cause.peer_gone'],
  ['websocket: closed by the peer', 'cause.peer_closed'],
  ['the peer does not read its answers', 'cause.too_slow'],
  // What is told in place of a rule where none decided.
  ['no rule', 'verdict.none'],
  ['the login holds no more', 'verdict.login'],
  ['topics that begin with $ are read-only', 'verdict.read_only'],
  ["viewers of a team don't publish: ask an owner of the team for another role", 'verdict.viewer'],
  ['$SYS can be read', 'verdict.system'],
  ['TLS required', 'verdict.tls'],
];

const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
const patterns = known.map(([english, key]) => ({ test: new RegExp('^' + english.split(/\{[xy]\}/).map(escape).join('(.+)') + '$'), key }));

/** causeText is a cause in the language of the page; the server's own words where there is no translation. */
export function causeText(cause: string): { text: string; foreign: boolean } {
  if (currentLanguage() === 'en') return { text: cause, foreign: false };
  const [, words = cause, more] = /^(.+) \(and (\d+) more since the last such line\)$/s.exec(cause) ?? [];
  for (const { test, key } of patterns) {
    const found = test.exec(words);
    if (!found) continue;
    const text = t(key, found[1] === undefined ? undefined : { x: found[1], y: found[2] ?? '' });
    return { text: more === undefined ? text : text + t('cause.more', { n: more }), foreign: false };
  }
  return { text: cause, foreign: true };
}
