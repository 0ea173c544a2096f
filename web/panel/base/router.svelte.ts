// Where we are, as reactive state over the browser's history.
import { withQuery } from './route';

let path = $state(location.pathname);
let search = $state(location.search);
let moved = false;

/** here is the current place. Reading its parts in a template or effect follows changes. */
export const here = {
  get path() {
    return path;
  },
  get search() {
    return search;
  },
  /** moved is true once another page than the first was shown. */
  get moved() {
    return moved;
  },
  /** query reads one parameter; '' when it isn't there. */
  query(name: string): string {
    return new URLSearchParams(search).get(name) ?? '';
  },
};

/** go shows another page of ours. */
export function go(url: string, replace = false): void {
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  moved = true;
  read();
  if (!replace) window.scrollTo(0, 0);
}

/** setQuery keeps a filter in the address, without a step in the history for each key press. */
export function setQuery(change: Record<string, string>): void {
  history.replaceState(null, '', location.pathname + withQuery(location.search, change));
  read();
}

function read(): void {
  path = location.pathname;
  search = location.search;
}

/**
 * listen follows back and forward and turns plain clicks on our own links into page changes.
 * Links with target, download or rel=external are left to the browser. It returns how to stop.
 */
export function listen(): () => void {
  const click = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || link.target || link.hasAttribute('download') || link.rel.includes('external')) return;
    if (link.origin !== location.origin) return;
    if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  };
  const walked = () => {
    moved = true;
    read();
  };
  window.addEventListener('popstate', walked);
  document.addEventListener('click', click);
  return () => {
    window.removeEventListener('popstate', walked);
    document.removeEventListener('click', click);
  };
}
