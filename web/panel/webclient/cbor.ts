// CBOR (RFC 8949) as JSON that people read. Byte strings become h'…', tags stand before what they tag.
import { decode } from 'cbor2/decoder';
import { Simple } from 'cbor2/simple';
import { Tag } from 'cbor2/tag';

const deepest = 32;
const times = [0, 1]; // tags of points in time: what they tag reads best as it is

/** cborText reads one CBOR item that fills the payload; undefined when it isn't one. */
export function cborText(payload: Uint8Array): string | undefined {
  try {
    return JSON.stringify(readable(decode(payload, { preferMap: true, ignoreGlobalTags: true, maxDepth: deepest })), null, 2);
  } catch {
    return undefined;
  }
}

/** readable has nothing that JSON hasn't. */
function readable(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value === undefined) return 'undefined';
  if (value instanceof Uint8Array) return "h'" + Array.from(value, (b) => b.toString(16).padStart(2, '0')).join('') + "'";
  if (value instanceof Tag) return times.includes(Number(value.tag)) ? readable(value.contents) : { [`tag ${value.tag}`]: readable(value.contents) };
  if (value instanceof Simple) return `simple ${value.value}`;
  if (Array.isArray(value)) return value.map(readable);
  if (value instanceof Map) return Object.fromEntries(Array.from(value as Map<unknown, unknown>, ([key, one]) => [typeof key === 'string' ? key : JSON.stringify(readable(key)), readable(one)]));
  return value;
}
