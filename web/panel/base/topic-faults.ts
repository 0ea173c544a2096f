// What is wrong with a topic, in words.
import { t, type Key } from './i18n.svelte';
import type { TopicFault } from './topics';

const words: Record<TopicFault, Key> = {
  empty: 'topic.empty',
  wildcard: 'topic.wildcard',
  hash: 'topic.hash',
  plus: 'topic.plus',
  long: 'topic.long',
  null: 'topic.null',
};

export function topicFault(fault: TopicFault | undefined): string | undefined {
  return fault && t(words[fault]);
}
