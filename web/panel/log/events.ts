// The log of an instance, and the operator's, as the API gives them.
import type { Told } from '../base/faults';
import { get, type List } from '../base/api';
import { pageSize } from '../base/pages';
import { instancePath } from '../instances/instances';

export interface LogEvent {
  id: number; // ascending with time
  time: string;
  kind: string; // one of kinds; a newer server may know more
  client?: string;
  user?: string;
  remote?: string;
  topic?: string;
  gate?: string;
  rule?: string;
  cause?: string;
  cause_told?: Told; // of bridges, webhooks and rules
  reason?: number;
  count?: number; // how often it happened in a row
}

export const kinds = ['connected', 'disconnected', 'refused', 'denied', 'dropped', 'takeover', 'fight', 'banned', 'command', 'page'] as const;
export type Kind = (typeof kinds)[number];

/** LogQuery narrows a log: by kind, by any text in it, to what is older than an entry. */
export interface LogQuery {
  kind?: string;
  query?: string;
  before?: string;
  limit?: number; // entries of a page
}

/** LogPage is one page; searched_to: a search that ended there for now, and goes on by next. */
export interface LogPage extends List<LogEvent> {
  searched_to?: string;
}

export const instanceLog = (id: string, query: LogQuery, signal?: AbortSignal) =>
  get<LogPage>(instancePath(id) + '/log', { limit: pageSize, ...query }, signal);
export const operatorLog = (query: LogQuery, signal?: AbortSignal) =>
  get<LogPage>('/log', { limit: pageSize, ...query }, signal);

const again = 5000; // milliseconds until a stream that the server refused is asked for again

/**
 * follow reads an instance's log live. live is told whether the stream stands. A broken stream is
 * taken up again by the browser, a refused one here. It returns how to stop.
 */
export function follow(id: string, take: (event: LogEvent) => void, live: (on: boolean) => void): () => void {
  const read = (message: MessageEvent<string>) => {
    try {
      take(JSON.parse(message.data) as LogEvent);
    } catch {
      // not ours to read; the list by request has everything
    }
  };
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource('/api/v1' + instancePath(id) + '/log/stream');
    source.addEventListener('message', read);
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

/** passes says whether an event belongs to a filtered list, as the server would decide. */
export function passes(event: LogEvent, query: LogQuery): boolean {
  if (query.kind && event.kind !== query.kind) return false;
  if (!query.query) return true;
  const wanted = query.query.toLowerCase();
  return [event.client, event.user, event.remote, event.topic, event.rule, event.cause].some((text) =>
    text?.toLowerCase().includes(wanted),
  );
}
