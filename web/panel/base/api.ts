// The door to /api/v1. Every answer is JSON, every failure an ApiError with a sentence for the user.

export interface FieldFault {
  field: string; // last part of the location, such as "email"
  message: string;
}

/** ApiError is a refusal by the server, or the failure to reach it (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string, // invalid, unauthorized, …; "unreachable" when there was no answer
    detail: string,
    readonly faults: FieldFault[] = [],
  ) {
    super(detail);
    this.name = 'ApiError';
  }

  /** fault is what the server said about one field. */
  fault(field: string): string | undefined {
    return this.faults.find((f) => f.field === field)?.message;
  }
}

export interface List<T> {
  items: T[];
  total?: number;
  next?: string;
}

type Query = Record<string, string | number | undefined>;
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

let onSignedOut: () => void = () => {};

/** whenSignedOut sets what happens when the server says that nobody is signed in. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

let onRefused: () => void = () => {};

/** whenRefused sets what happens when the server refuses something, or has no such thing: a role may have changed. */
export function whenRefused(act: () => void): void {
  onRefused = act;
}

// The ETag of each thing that the server gave with one, by the very object that get, post or patch returned.
const versions = new WeakMap<object, string>();

/** Versioned is a thing that the server gave: things in lists carry their version with them. */
export type Versioned = object & { etag?: string };

const versionOf = (was?: Versioned): string | undefined => was && (versions.get(was) ?? was.etag);

/** isStale says whether a save was refused because somebody else has changed the thing since it was read. */
export const isStale = (cause: unknown): cause is ApiError => cause instanceof ApiError && cause.status === 412;

let answered = 0;

/** lastAnswer is when the server last did what was asked, which keeps the session alive. */
export const lastAnswer = (): number => answered;

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) =>
  call<T>('GET', path + search(query), undefined, signal);
export const post = <T>(path: string, body: unknown = {}) => call<T>('POST', path, body);
/**
 * patch changes a thing. With was, which get or patch returned (itself, no copy) or which has an etag, it is changed only while nobody else
 * has changed it since; otherwise the call fails with an error that isStale knows.
 */
export const patch = <T>(path: string, body: unknown, was?: Versioned) => call<T>('PATCH', path, body, undefined, versionOf(was));
/** unmake deletes a thing for who proves with body that they mean it. */
export const unmake = (path: string, body: unknown) => call<void>('DELETE', path, body);
/** remove deletes a thing; with was as patch does. */
export const remove = (path: string, was?: Versioned) => call<void>('DELETE', path, undefined, undefined, versionOf(was));

/** download posts and saves the file that comes back, under the name that the server gives it. */
export async function download(path: string, body: unknown, name: string): Promise<void> {
  const answer = await send('POST', path, JSON.stringify(body), 'application/json');
  const file = await answer.blob();
  const given = /filename="?([^";]+)/.exec(answer.headers.get('Content-Disposition') ?? '');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = given?.[1] ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // once the browser has begun to save it
}

/** upload posts a file as it is. */
export async function upload<T>(path: string, file: Blob, kind: string): Promise<T> {
  return (await (await send('POST', path, file, kind)).json()) as T;
}

/** segment makes a value safe as one part of a path. */
export const segment = encodeURIComponent;

async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal, version?: string): Promise<T> {
  const answer = await send(method, path, body === undefined ? undefined : JSON.stringify(body), 'application/json', signal, version);
  if (answer.status === 204) return undefined as T;
  const value = (await answer.json()) as T;
  const tag = answer.headers.get('ETag');
  if (tag && typeof value === 'object' && value !== null) versions.set(value, tag.replace(/^W\//, '')); // proxies that compress weaken it
  return value;
}

async function send(method: Method, path: string, body: BodyInit | undefined, kind: string, signal?: AbortSignal, version?: string): Promise<Response> {
  const headers: Record<string, string> = {
    Accept: 'application/json, application/problem+json',
    'Accept-Language': document.documentElement.lang,
  };
  if (method !== 'GET') headers['Content-Type'] = kind; // keeps plain forms out
  if (version) headers['If-Match'] = version;
  let answer: Response;
  try {
    answer = await fetch('/api/v1' + path, {
      method,
      headers,
      body,
      credentials: 'same-origin',
      cache: 'no-store',
      signal,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, 'unreachable', '');
  }
  if (!answer.ok) throw await refusal(answer, path);
  answered = Date.now();
  return answer;
}

async function refusal(answer: Response, path: string): Promise<ApiError> {
  let problem: Problem = {};
  try {
    problem = (await answer.json()) as Problem;
  } catch {
    // a proxy's page instead of problem+json: the status has to do
  }
  const error = new ApiError(
    answer.status,
    problem.code ?? codeOf(answer.status),
    problem.detail ?? '',
    faults(problem.errors),
  );
  if (answer.status === 401 && path !== '/session') onSignedOut();
  if ((answer.status === 403 || answer.status === 404) && error.faults.length === 0) onRefused();
  return error;
}

interface Problem {
  code?: string;
  detail?: string;
  errors?: { location?: string; field?: string; message?: string }[];
}

/** faults reads the RFC 9457 extension of our server: location is "body.email" and the like. */
export function faults(errors: Problem['errors']): FieldFault[] {
  if (!Array.isArray(errors)) return [];
  return errors.map((e) => ({
    field: (e.field ?? e.location ?? '').split('.').pop() ?? '',
    message: e.message ?? '',
  }));
}

function codeOf(status: number): string {
  const codes: Record<number, string> = {
    400: 'invalid',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'not_found',
    409: 'conflict',
    412: 'stale',
    422: 'invalid',
    429: 'rate_limited',
  };
  return codes[status] ?? 'internal';
}

function search(query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return text && '?' + text;
}
