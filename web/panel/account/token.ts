/**
 * takeToken reads the single-use token behind the # of a link and takes it out of the address,
 * so that it's neither in the history nor in a screenshot. It lives in memory only.
 */
export function takeToken(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
  if (token) history.replaceState(null, '', location.pathname);
  return token;
}
