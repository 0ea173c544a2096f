export type QoS = 0 | 1 | 2;

/** Message is one line of the list. It isn't changed once made, only replaced. */
export interface Message {
  id: number;
  at: Date;
  way: 'in' | 'out';
  topic: string;
  payload: Uint8Array;
  size: number; // bytes of topic and payload, for the list's bound
  qos: QoS;
  retain: boolean;
  dup: boolean;
  colour?: number; // of the subscription that brought it
  replayed?: Date; // out of the history: when the server accepted it
  state?: 'sending' | 'sent' | 'refused'; // of what we sent
  why?: Refusal;
}

/** Refusal explains a no: the broker's code, its words, the rule that decided. */
export interface Refusal {
  code: number;
  words: string;
  rule?: string;
}

export interface Subscription {
  filter: string;
  qos: QoS;
  colour: number; // index of a palette entry
  state: 'asking' | 'held' | 'refused';
  why?: Refusal;
}

export const colours = 6; // entries of the palette in Swatches.svelte
