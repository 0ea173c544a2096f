// The instance's topics as the server sees them pass by.
import { instancePath } from '../instances/instances';
import type { Value } from './tree';

interface Watched {
  topic: string;
  payload: string;
  encoding?: 'base64';
  size: number;
  messages: number;
  at?: string;
  qos?: number;
  retained?: boolean;
  publisher?: string;
  user?: string;
}

export interface News {
  topics: Watched[];
  over?: number;
}

const again = 5000; // milliseconds until a stream that the server refused is asked for again

/**
 * watch hands over the topics that changed, about once a second. live is told whether the stream stands; after a break
 * it begins anew, and counts from zero. It returns how to stop.
 */
export function watch(id: string, filter: string, take: (news: News) => void, live: (on: boolean) => void): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource(`/api/v1${instancePath(id)}/topics/stream?filter=${encodeURIComponent(filter)}`);
    source.addEventListener('message', (message: MessageEvent<string>) => {
      try {
        take(JSON.parse(message.data) as News);
      } catch {
        // not ours to read
      }
    });
    source.addEventListener('open', () => live(true));
    source.addEventListener('error', () => {
      live(false);
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, again);
    });
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

/** valueOf reads what the server says of a topic. */
export function valueOf(w: Watched): Value {
  const payload = w.encoding === 'base64' ? Uint8Array.from(atob(w.payload), (c) => c.charCodeAt(0)) : new TextEncoder().encode(w.payload);
  return { payload, size: w.size, at: w.at ? Date.parse(w.at) : undefined, qos: w.qos ?? 0, retained: w.retained ?? false, publisher: w.publisher, user: w.user };
}
