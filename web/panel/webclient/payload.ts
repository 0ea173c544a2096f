// Payloads as people read them.

import { cborText } from './cbor';

export type Format = 'auto' | 'text' | 'json' | 'cbor' | 'hex' | 'base64';

export interface Shown {
  text: string;
  as: Exclude<Format, 'auto'>;
  cut: number; // bytes not shown
}

const shownBytes = 16_384;

/**
 * show renders a payload. "auto" takes JSON when it is an object or a list, text when it is valid
 * UTF-8 without control characters, hex otherwise; "json" falls back to the same.
 */
export function show(payload: Uint8Array, format: Format): Shown {
  const part = payload.length > shownBytes ? payload.subarray(0, shownBytes) : payload;
  const cut = payload.length - part.length;
  if (format === 'hex') return { text: hex(part), as: 'hex', cut };
  if (format === 'base64') return { text: base64(part), as: 'base64', cut };
  if (format === 'cbor') {
    const text = cborText(payload);
    if (text !== undefined) return { text: text.slice(0, shownBytes), as: 'cbor', cut: 0 };
    return { text: hex(part), as: 'hex', cut };
  }
  if (format === 'text') return { text: new TextDecoder().decode(part), as: 'text', cut };
  const pretty = json(payload);
  if (pretty !== undefined) return { text: pretty.slice(0, shownBytes), as: 'json', cut: 0 };
  const text = plain(part, cut > 0);
  return text === undefined ? { text: hex(part), as: 'hex', cut } : { text, as: 'text', cut };
}

function json(payload: Uint8Array): string | undefined {
  const first = payload.find((b) => b > 0x20);
  if (first !== 0x7b && first !== 0x5b) return undefined; // { or [: a bare number reads best as it is
  try {
    return JSON.stringify(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)), null, 2);
  } catch {
    return undefined;
  }
}

function plain(part: Uint8Array, more: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(part, { stream: more });
    // eslint-disable-next-line no-control-regex -- control characters are what we look for
    return /[\x00-\x08\x0B\x0E-\x1F]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** hex writes 16 bytes a line, in pairs. */
function hex(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let i = 0; i < bytes.length; i += 16) {
    const row = Array.from(bytes.subarray(i, i + 16), (b) => b.toString(16).padStart(2, '0'));
    lines.push(row.join(' '));
  }
  return lines.join('\n');
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const b of bytes) binary += String.fromCharCode(b);
  return btoa(binary);
}

const briefBytes = 120;

/** brief is the beginning of a payload on one line. */
export function brief(payload: Uint8Array): string {
  const part = payload.length > briefBytes ? payload.subarray(0, briefBytes) : payload;
  const text = plain(part, payload.length > part.length);
  return text === undefined ? hex(part.subarray(0, 24)).replaceAll('\n', ' ') : text.replaceAll(/\s+/g, ' ').trim();
}

/** read turns what a person typed into a payload; undefined: it isn't of that form. */
export function read(text: string, form: 'text' | 'json' | 'hex' | 'base64'): Uint8Array | undefined {
  switch (form) {
    case 'text':
      return new TextEncoder().encode(text);
    case 'json':
      try {
        JSON.parse(text);
        return new TextEncoder().encode(text);
      } catch {
        return undefined;
      }
    case 'hex': {
      const digits = text.replaceAll(/0x|[\s:,]/gi, '');
      if (digits.length % 2 === 1 || /[^0-9a-f]/i.test(digits)) return undefined;
      return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    }
    case 'base64':
      try {
        return Uint8Array.from(atob(text.replaceAll(/\s/g, '')), (c) => c.charCodeAt(0));
      } catch {
        return undefined;
      }
  }
}

const searched = new WeakMap<Uint8Array, string>();

/** searchText is a payload in lower case, for searching; it is decoded once. */
export function searchText(payload: Uint8Array): string {
  let text = searched.get(payload);
  if (text === undefined) {
    text = new TextDecoder().decode(payload).toLowerCase();
    searched.set(payload, text);
  }
  return text;
}
