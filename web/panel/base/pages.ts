// Lists that come in pages. Where a page begins stands in the address: its cursor, and how many rows are before it.
import type { List } from './api';

/** fromTheStart takes all cursors out of the address: another question begins with its first page. */
export const fromTheStart: Record<string, string> = { cursor: '', at: '', after: '', before: '', lost: '', lost_at: '' };

/** pageSize is how many rows a page shows: drawing them is most of what it takes of the main thread. */
export const pageSize = 50;

/** most rows that are saved as a file: a page in the browser is no place for more. */
export const mostSaved = 50_000;

/** SearchedList is a page of a search that may have ended before it was full; it goes on by next. */
type SearchedList<T> = List<T> & { searched_to?: string };

/** all reads a list page by page, and tells how many rows there are so far. */
export async function all<T>(read: (cursor: string) => Promise<SearchedList<T>>, progress: (n: number) => void): Promise<T[]> {
  const rows: T[] = [];
  let cursor = '';
  do {
    const page = await read(cursor);
    for (const row of page.items) rows.push(row);
    progress(rows.length);
    cursor = page.items.length > 0 || page.searched_to ? (page.next ?? '') : '';
  } while (cursor && rows.length < mostSaved);
  return rows;
}
