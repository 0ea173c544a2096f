// Topic names and filters as far as the page needs them; the broker has the last word.

export type TopicFault = 'empty' | 'wildcard' | 'hash' | 'plus' | 'long' | 'null';

const maxBytes = 65535; // [MQTT-4.7.3-3]

/** checkFilter says what is wrong with a subscription filter, undefined when nothing is. */
export function checkFilter(filter: string): TopicFault | undefined {
  const fault = checkLength(filter);
  if (fault) return fault;
  const levels = filter.split('/');
  for (const [i, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || i !== levels.length - 1)) return 'hash'; // [MQTT-4.7.1-1]
    if (level.includes('+') && level !== '+') return 'plus'; // [MQTT-4.7.1-2]
  }
  return undefined;
}

/** checkTopic says what is wrong with a topic to publish to, undefined when nothing is. */
export function checkTopic(topic: string): TopicFault | undefined {
  return checkLength(topic) ?? (/[+#]/.test(topic) ? 'wildcard' : undefined); // [MQTT-3.3.2-2]
}

function checkLength(text: string): TopicFault | undefined {
  if (text === '') return 'empty'; // [MQTT-4.7.3-1]
  if (text.includes('\0')) return 'null'; // [MQTT-4.7.3-2]
  if (new TextEncoder().encode(text).length > maxBytes) return 'long';
  return undefined;
}

/** matches says whether a valid filter takes a topic; "$" topics hide from leading wildcards. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.replace(/^\$share\/[^/]+\//, '').split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && (wanted[0] === '#' || wanted[0] === '+')) return false; // [MQTT-4.7.2-1]
  for (const [i, want] of wanted.entries()) {
    if (want === '#') return true; // takes the parent level, too
    if (i >= levels.length) return false;
    if (want !== '+' && want !== levels[i]) return false;
  }
  return wanted.length === levels.length;
}

/** isCommand says whether a topic looks like one on which devices are told what to do; the server judges alike. */
export const isCommand = (topic: string) => /(^|\/)(set|cmd|command)$/.test(topic);
