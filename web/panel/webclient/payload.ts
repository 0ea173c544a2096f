// Payloads as people read them.

export type Format = 'auto' | 'text' | 'json' | 'hex' | 'base64';

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
