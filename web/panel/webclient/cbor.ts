// CBOR (RFC 8949) as JSON that people read. Byte strings become h'…', tags stand before what they tag.

const deepest = 32;

/** cborText reads one CBOR item that fills the payload; undefined when it isn't one. */
export function cborText(payload: Uint8Array): string | undefined {
  const reader = new Reader(payload);
  try {
    const value = reader.item(0);
    return reader.done ? JSON.stringify(value, null, 2) : undefined;
  } catch {
    return undefined;
  }
}

class Reader {
  #at = 0;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at === this.bytes.length;
  }

  item(depth: number): unknown {
    if (depth > deepest) throw new RangeError('too deep');
    const head = this.#byte();
    const [major, info] = [head >> 5, head & 31];
    if (major === 7) return this.#simple(info);
    const endless = info === 31;
    const n = endless ? Infinity : this.#number(info);
    switch (major) {
      case 0:
        return plain(n);
      case 1:
        return typeof n === 'bigint' ? String(-1n - n) : -1 - n;
      case 2:
        return "h'" + Array.from(this.#string(n, 2), (b) => b.toString(16).padStart(2, '0')).join('') + "'";
      case 3:
        return new TextDecoder('utf-8', { fatal: true }).decode(this.#string(n, 3));
      case 4: {
        const list: unknown[] = [];
        while (this.#more(list.length, n)) list.push(this.item(depth + 1));
        return list;
      }
      case 5: {
        const map = new Map<string, unknown>();
        for (let i = 0; this.#more(i, n); i++) {
          const key = this.item(depth + 1);
          map.set(typeof key === 'string' ? key : JSON.stringify(key), this.item(depth + 1));
        }
        return Object.fromEntries(map);
      }
      default: {
        const value = this.item(depth + 1);
        return n === 0 || n === 1 ? value : { [`tag ${n}`]: value }; // 0 and 1 are times
      }
    }
  }

  /** more says whether a list of n goes on after i; an endless one ends with a break. */
  #more(i: number, n: number | bigint): boolean {
    if (n !== Infinity) {
      if (n > this.bytes.length) throw new RangeError('longer than the payload');
      return i < n;
    }
    if (this.bytes[this.#at] !== 0xff) return true;
    this.#at++;
    return false;
  }

  #string(n: number | bigint, major: number): Uint8Array {
    if (n !== Infinity) return this.#take(Number(n));
    const parts: number[] = [];
    while (this.#more(0, Infinity)) {
      const head = this.#byte();
      if (head >> 5 !== major) throw new RangeError('a part of another kind');
      for (const b of this.#take(Number(this.#number(head & 31)))) parts.push(b);
    }
    return Uint8Array.from(parts);
  }

  #simple(info: number): unknown {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 23:
        return 'undefined';
      case 25:
        return half(this.#view.getUint16(this.#skip(2)));
      case 26:
        return this.#view.getFloat32(this.#skip(4));
      case 27:
        return this.#view.getFloat64(this.#skip(8));
    }
    throw new RangeError('not known');
  }

  #number(info: number): number | bigint {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.#byte();
      case 25:
        return this.#view.getUint16(this.#skip(2));
      case 26:
        return this.#view.getUint32(this.#skip(4));
      case 27: {
        const n = this.#view.getBigUint64(this.#skip(8));
        return n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n;
      }
    }
    throw new RangeError('not known');
  }

  #byte(): number {
    return this.#take(1)[0]!;
  }

  #skip(n: number): number {
    this.#at += n;
    if (this.#at > this.bytes.length) throw new RangeError('cut off');
    return this.#at - n;
  }

  #take(n: number): Uint8Array {
    const from = this.#skip(n);
    return this.bytes.subarray(from, from + n);
  }
}

const plain = (n: number | bigint) => (typeof n === 'bigint' ? String(n) : n);

/** half reads a number of 16 bits. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const part = bits & 0x3ff;
  if (exponent === 0) return sign * part * 2 ** -24;
  if (exponent === 31) return part ? NaN : sign * Infinity;
  return sign * (1 + part / 1024) * 2 ** (exponent - 15);
}
