// The list of messages: bounded, paused without losing, and drawn at a pace that a phone can follow.
import type { Message } from './message';
import { Ring } from './ring';

const kept = 1000; // messages
const keptBytes = 8 << 20;
const busyRate = 50; // messages a second above which the list is redrawn less often
const drawEvery = { calm: 60, busy: 1000 }; // milliseconds

export class Inbox {
  shown = $state.raw<Message[]>([]); // newest first
  waiting = $state(0); // arrived while paused
  paused = $state(false);
  rate = $state(0); // messages a second, once it's above busyRate; else 0
  dropped = $state(0); // made room for newer ones

  #ring = new Ring<Message>(kept, keptBytes);
  #timer?: ReturnType<typeof setTimeout>;
  #lastID = 0;
  #second = { at: 0, n: 0, before: 0 };

  add(part: Omit<Message, 'id' | 'at' | 'size'>): Message {
    const size = part.topic.length + part.payload.length;
    const message = { ...part, id: ++this.#lastID, at: new Date(), size };
    this.#ring.push(message);
    this.#count();
    if (this.paused) this.waiting++;
    this.#draw();
    return message;
  }

  /** change puts new facts to a message, if it's still kept. */
  change(id: number, facts: (now: Message) => Partial<Message>): void {
    const now = this.#ring.newest().find((m) => m.id === id);
    if (!now) return;
    this.#ring.replace(now, { ...now, ...facts(now) });
    this.#draw();
  }

  /** find looks from the newest on. */
  find(test: (message: Message) => boolean): Message | undefined {
    return this.#ring.newest().find(test);
  }

  pause(paused: boolean): void {
    this.paused = paused;
    this.waiting = 0;
    if (!paused) this.#redraw();
  }

  /** clear empties the list; what it gives puts the messages back, behind those that have come since. */
  clear(): { n: number; undo: () => void } {
    const before = this.#ring.newest().reverse();
    this.#ring.clear();
    this.waiting = 0;
    this.#redraw();
    return {
      n: before.length,
      undo: () => {
        const since = this.#ring.newest().reverse();
        this.#ring.clear();
        for (const message of [...before, ...since]) this.#ring.push(message);
        if (this.paused) this.shown = [...before].reverse();
        else this.#redraw();
      },
    };
  }

  /** stop ends the timer; the list stays. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #draw(): void {
    if (this.paused || this.#timer !== undefined) return;
    const wait = this.#pace() > busyRate ? drawEvery.busy : drawEvery.calm;
    this.#timer = setTimeout(() => this.#redraw(), wait);
  }

  #redraw(): void {
    this.stop();
    this.shown = this.#ring.newest();
    this.dropped = this.#ring.dropped;
    const pace = this.#pace();
    this.rate = pace > busyRate ? pace : 0;
    if (this.rate > 0) this.#timer = setTimeout(() => this.#redraw(), drawEvery.busy);
  }

  #count(): void {
    const now = Math.floor(Date.now() / 1000);
    if (now !== this.#second.at) {
      const before = now === this.#second.at + 1 ? this.#second.n : 0;
      this.#second = { at: now, n: 0, before };
    }
    this.#second.n++;
  }

  /** pace is the larger of this second's and the last second's number of messages. */
  #pace(): number {
    const age = Math.floor(Date.now() / 1000) - this.#second.at;
    if (age > 1) return 0;
    return age === 1 ? this.#second.n : Math.max(this.#second.n, this.#second.before);
  }
}
