import type { LogEvent } from './events';

/** Most entries that a page holds while it follows a log. */
export const tailLength = 200;

/**
 * join puts live entries in front of a loaded page, newest first, each once: an entry that came
 * by both ways is told by its id.
 */
export function join(live: readonly LogEvent[], page: readonly LogEvent[]): LogEvent[] {
  const seen = new Set<LogEvent['id']>();
  const all: LogEvent[] = [];
  for (const event of [...live, ...page]) {
    if (event.id !== undefined && seen.has(event.id)) continue;
    seen.add(event.id);
    all.push(event);
    if (all.length === tailLength) break;
  }
  return all;
}
