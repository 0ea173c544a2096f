// Matching of paths, without a page.

export type Params = Record<string, string>;

/**
 * matchPath compares a path with a pattern such as "/instances/:id/users". It returns the named
 * parts, decoded, or undefined. A trailing slash doesn't matter.
 */
export function matchPath(pattern: string, path: string): Params | undefined {
  const want = split(pattern);
  const have = split(path);
  if (want.length !== have.length) return undefined;
  const params: Params = {};
  for (const [i, part] of want.entries()) {
    const value = have[i]!;
    if (part.startsWith(':')) {
      try {
        params[part.slice(1)] = decodeURIComponent(value);
      } catch {
        return undefined; // a broken escape names nothing we know
      }
    } else if (part !== value) {
      return undefined;
    }
  }
  return params;
}

/**
 * safeNext returns a path of our own to go to after sign-in; anything else becomes "/". What counts is what a browser
 * makes of it: it drops tabs, and a path such as /.//host becomes one to another host.
 */
export function safeNext(next: string | null): string {
  if (!next || !/^\/(?![/\\])/.test(next)) return '/';
  const url = new URL(next, 'https://here.invalid');
  return url.host === 'here.invalid' && !url.pathname.startsWith('//') ? url.pathname + url.search + url.hash : '/';
}

/** withQuery changes some parameters of a query; an empty value takes one away. */
export function withQuery(search: string, change: Record<string, string>): string {
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(change)) {
    if (value === '') params.delete(name);
    else params.set(name, value);
  }
  const text = params.toString();
  return text && '?' + text;
}

function split(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}
