// The border between the web client and the MQTT library: one connection, one token.
import type { QoS } from './message';

/** Grant is the right to connect: minted for the signed-in person, minutes long. */
export interface Grant {
  token: string;
  client_id: string;
  url: string;
  expires_at: string;
}

export interface Received {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  dup: boolean;
}

/** Answer is a reason code of the broker and its own words for it, if it gave any. */
export interface Answer {
  code: number;
  words: string;
}

export interface Events {
  message: (message: Received) => void;
  /** closed comes once, after the line was up; code is 0 when the broker said nothing. */
  closed: (why: Answer) => void;
}

/** Line is one live connection. */
export interface Line {
  /** subscribe resolves with the SUBACK's code; quiet asks for no retained messages. */
  subscribe(filter: string, qos: QoS, quiet: boolean): Promise<Answer>;
  unsubscribe(filter: string): Promise<void>;
  /** publish resolves when the message is written (QoS 0) or answered (QoS 1 and 2); expiry is in seconds. */
  publish(topic: string, payload: Uint8Array, qos: QoS, retain: boolean, expiry?: number): Promise<Answer>;
  end(): void;
}

/** Refused is a connection that didn't come about. */
export class Refused extends Error {
  constructor(readonly why: Answer) {
    super(why.words);
    this.name = 'Refused';
  }
}

export type Dial = (grant: Grant, events: Events) => Promise<Line>;
