// How clients of an instance log in, as the API gives it.
import { get, patch, post, remove, segment, type List } from '../base/api';
import { pageSize } from '../base/pages';
import { instancePath } from '../instances/instances';

export interface Logins {
  password: boolean;
  token: boolean;
  certificate: 'off' | 'accepted' | 'required';
  certificate_user: 'cn' | 'dns' | 'email' | 'uri';
  token_issuer: string;
  token_audience: string;
  token_user: string;
  metrics_token: boolean; // there is one
}

export interface Authority {
  id: string;
  name: string;
  own: boolean; // made here: it can sign
  pem: string;
  expires_at: string;
}

export interface Certificate {
  authority: string;
  serial: string;
  user: string;
  note: string;
  expires_at?: string;
  revoked_at?: string;
  certificate?: string; // PEM, in the answer that made it only
  key?: string;
}

export interface TokenKey {
  id: string;
  kid: string;
  algorithm: string;
  url: string;
}

export interface PageKey {
  key: string; // no secret: it stands in pages
  name: string;
  publish: string[];
  subscribe: string[];
  origins: string[];
  connections: number;
  url: string;
  expires_at?: string;
}

const below = (id: string, part: string) => instancePath(id) + '/' + part;

export const getLogins = (id: string, signal?: AbortSignal) => get<Logins>(below(id, 'logins'), undefined, signal);
export const changeLogins = (id: string, change: Partial<Logins>, was?: Logins) => patch<Logins>(below(id, 'logins'), change, was);

export const listAuthorities = (id: string, signal: AbortSignal) =>
  get<List<Authority>>(below(id, 'client-authorities'), undefined, signal);
export const addAuthority = (id: string, pem: string) => post(below(id, 'client-authorities'), { pem });
export const deleteAuthority = (id: string, authority: string) =>
  remove(below(id, 'client-authorities/' + segment(authority)));

export const listCertificates = (id: string, query: string, cursor: string, signal?: AbortSignal, limit = pageSize) =>
  get<List<Certificate>>(below(id, 'client-certificates'), { query, cursor, limit }, signal);
export const issueCertificate = (id: string, wish: { user: string; days: number; note: string; request: string }) =>
  post<Certificate>(below(id, 'client-certificates'), wish);
export const revokeCertificate = (id: string, one: Certificate) =>
  post(below(id, 'client-certificates/revoke'), { authority: one.authority, serial: one.serial });

export const listTokenKeys = (id: string, signal: AbortSignal) => get<List<TokenKey>>(below(id, 'token-keys'), undefined, signal);
export const addTokenKey = (id: string, wish: { kid: string; key: string; url: string }) => post(below(id, 'token-keys'), wish);
export const deleteTokenKey = (id: string, key: string) => remove(below(id, 'token-keys/' + segment(key)));

export const mintMetricsToken = (id: string) => post<{ token: string; url: string }>(below(id, 'metrics-token'));
export const dropMetricsToken = (id: string) => remove(below(id, 'metrics-token'));

export const listPageKeys = (id: string, signal: AbortSignal) => get<List<PageKey>>(below(id, 'publishable-keys'), undefined, signal);
export const createPageKey = (id: string, wish: Pick<PageKey, 'name' | 'publish' | 'subscribe' | 'origins' | 'connections'> & { days: number }) =>
  post(below(id, 'publishable-keys'), wish);
export const deletePageKey = (id: string, key: string) => remove(below(id, 'publishable-keys/' + segment(key)));
