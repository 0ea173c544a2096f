/**
 * Ring keeps the newest entries within two bounds: how many, and how many bytes they hold together.
 * The oldest make room.
 */
export class Ring<T extends { size: number }> {
  #items: T[] = [];
  #start = 0; // index of the oldest in #items; what lies before it is dropped now and then
  #bytes = 0;
  #dropped = 0;

  constructor(
    readonly capacity: number,
    readonly maxBytes: number,
  ) {}

  get length(): number {
    return this.#items.length - this.#start;
  }

  /** dropped counts what had to make room since the last clear. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#bytes += item.size;
    while (this.length > this.capacity || (this.#bytes > this.maxBytes && this.length > 1)) {
      this.#bytes -= this.#items[this.#start]!.size;
      this.#start++;
      this.#dropped++;
    }
    if (this.#start > this.capacity) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
  }

  /** newest gives the last n entries, newest first. */
  newest(n = this.length): T[] {
    return this.#items.slice(Math.max(this.#start, this.#items.length - n)).reverse();
  }

  /** replace swaps an entry for a changed copy; nothing happens if it's gone. */
  replace(old: T, changed: T): void {
    const i = this.#items.lastIndexOf(old);
    if (i < this.#start) return;
    this.#items[i] = changed;
    this.#bytes += changed.size - old.size;
  }

  clear(): void {
    this.#items = [];
    this.#start = 0;
    this.#bytes = 0;
    this.#dropped = 0;
  }
}
