/**
 * Twins tells apart what two connections bring while one takes over from the other: each message
 * comes twice, once from either, and must be shown once. It counts what each side brought of every
 * key and lets through what is ahead of the other side.
 */
export class Twins {
  #lead = new Map<string, number>(); // key → how many more the old side has brought

  /** fresh says whether a message is new, not the second half of a pair. */
  fresh(from: 'old' | 'new', key: string): boolean {
    const step = from === 'old' ? 1 : -1;
    const lead = this.#lead.get(key) ?? 0;
    const next = lead + step;
    if (next === 0) this.#lead.delete(key);
    else this.#lead.set(key, next);
    return Math.abs(next) > Math.abs(lead);
  }
}

/** twinKey names a message for Twins: what the same message has in common on both connections. */
export function twinKey(topic: string, payload: Uint8Array): string {
  let hash = 0x811c9dc5; // FNV-1a, to keep the keys short
  for (const b of payload) hash = Math.imul(hash ^ b, 0x01000193);
  return `${topic}\0${payload.length}\0${hash >>> 0}`;
}
