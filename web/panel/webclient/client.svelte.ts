// The web client: connected with a minted token, which it renews before it ends.
import { ApiError } from '../base/api';
import type { LogEvent } from '../log/events';
import { Inbox } from './inbox.svelte';
import { Refused, type Answer, type Dial, type Grant, type Line, type Received } from './line';
import { colours, type QoS, type Refusal, type Subscription } from './message';
import { matches } from '../base/topics';
import { Tree } from '../topics/tree';
import { twinKey, Twins } from './twins';

export type State = 'connecting' | 'connected' | 'waiting' | 'stopped';

const renewBefore = 60_000; // milliseconds before a token ends
const renewAtLeast = 15_000; // milliseconds between two tokens, whatever the server says
const overlap = 2_000; // milliseconds that the old line lives beside the new one
const waits = [1, 2, 4, 8, 15, 30]; // seconds before attempt n
const deniedWithin = 15_000; // milliseconds in which a refusal in the log belongs to what we sent
const final = ['unauthorized', 'forbidden', 'not_found']; // refusals that trying again won't change
const treeKeep = 100; // values of each topic
const treePayload = 16_384; // bytes of a value that the tree keeps
const beatEvery = 1000; // milliseconds between two drawings of the tree
const refusedFrom = 0x80; // reason codes from here on are a no

export interface Options {
  mint: () => Promise<Grant>;
  dial: Dial;
}

/** Link is a line with what is known about it. */
interface Link {
  line?: Line;
  dead: boolean;
}

/** WebClient is one visit to the web client page. Call start once and stop at the end. */
export class WebClient {
  state = $state<State>('connecting');
  problem = $state.raw<ApiError | Answer>(); // why it isn't connected
  clientID = $state('');
  subscriptions = $state.raw<Subscription[]>([]);
  readonly inbox = new Inbox();
  readonly tree = new Tree(treeKeep);
  treeVersion = $state(0); // grows when the tree has changed, about once a second; 0: nothing has come yet

  #link?: Link;
  #visit = 0; // grows when a connection attempt makes older ones void
  #attempts = 0;
  #handover?: { from: Link; twins: Twins };
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #stale = false; // the tree has changed since it was drawn
  #beat?: ReturnType<typeof setInterval>;

  constructor(private readonly options: Options) {}

  start(): void {
    clearInterval(this.#beat);
    this.#beat = setInterval(() => {
      this.tree.beat(beatEvery / 1000);
      if (this.#stale || this.tree.root.rate > 0) this.treeVersion++;
      this.#stale = false;
    }, beatEvery);
    void this.#connect();
  }

  /** stop ends everything, for good or until start. */
  stop(): void {
    this.#visit++;
    this.state = 'stopped';
    clearInterval(this.#beat);
    this.#clearTimers();
    this.#handover?.from.line?.end();
    this.#handover = undefined;
    this.#link?.line?.end();
    this.#link = undefined;
    this.inbox.stop();
  }

  /** retry connects now instead of after the wait. */
  retry(): void {
    this.stop();
    this.#attempts = 0;
    this.start();
  }

  async subscribe(filter: string, qos: QoS, colour: number): Promise<void> {
    const wish: Subscription = { filter, qos, colour: colour % colours, state: 'asking' };
    this.subscriptions = [...this.subscriptions.filter((s) => s.filter !== filter), wish];
    if (this.#link) await this.#ask(this.#link, wish, false);
  }

  async unsubscribe(filter: string): Promise<void> {
    this.subscriptions = this.subscriptions.filter((s) => s.filter !== filter);
    await this.#link?.line?.unsubscribe(filter);
  }

  async publish(topic: string, payload: string | Uint8Array, qos: QoS, retain: boolean, expiry?: number): Promise<void> {
    const line = this.#link?.line;
    if (!line) return;
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    const { id } = this.inbox.add({ way: 'out', topic, payload: bytes, qos, retain, dup: false, state: 'sending' });
    const answer = await line.publish(topic, bytes, qos, retain, expiry);
    this.inbox.change(id, (now) => {
      if (now.state === 'refused') return {}; // the log was faster
      return answer.code >= refusedFrom ? { state: 'refused', why: answer } : { state: 'sent' };
    });
  }

  /** explain takes a refusal from the instance's log and puts it where it belongs. */
  explain(event: LogEvent): void {
    if (event.kind !== 'denied' || event.client !== this.clientID) return;
    const why: Refusal = { code: event.reason ?? 0x87, words: event.cause ?? '', rule: event.rule };
    const asked = this.subscriptions.find((s) => s.filter === event.topic && s.state !== 'held' && !s.why?.rule);
    if (asked) return this.#note(asked.filter, { why });
    const since = Date.now() - deniedWithin;
    const sent = this.inbox.find(
      (m) => m.way === 'out' && m.topic === event.topic && !m.why?.rule && m.at.getTime() > since,
    );
    if (sent) this.inbox.change(sent.id, () => ({ state: 'refused', why }));
  }

  async #connect(): Promise<void> {
    const visit = ++this.#visit;
    this.state = 'connecting';
    try {
      const grant = await this.options.mint();
      if (visit !== this.#visit) return;
      const link = await this.#open(grant);
      if (visit !== this.#visit) return link.line?.end();
      this.#take(link, grant);
      await Promise.all(this.subscriptions.map((s) => this.#ask(link, s, s.state === 'held')));
    } catch (cause) {
      if (visit === this.#visit) this.#failed(cause);
    }
  }

  async #open(grant: Grant): Promise<Link> {
    const link: Link = { dead: false };
    link.line = await this.options.dial(grant, {
      message: (message) => this.#receive(message, link),
      closed: (why) => {
        link.dead = true;
        if (link !== this.#link) return; // replaced already, or not in charge yet
        this.#link = undefined;
        this.#visit++;
        this.#failed(new Refused(why));
      },
    });
    return link;
  }

  #take(link: Link, grant: Grant): void {
    this.#link = link;
    this.#attempts = 0;
    this.clientID = grant.client_id;
    this.problem = undefined;
    this.state = 'connected';
    const left = Date.parse(grant.expires_at) - Date.now();
    const early = Math.min(renewBefore, left / 3);
    this.#later(Math.max(renewAtLeast, left - early), () => void this.#renew());
  }

  /**
   * renew lets a new connection with a new token take over: it subscribes first, both run side by
   * side for a moment with doubles sorted out, then the old one ends. If that fails it's tried
   * again, and at worst the old one's end leads to an ordinary reconnect.
   */
  async #renew(): Promise<void> {
    const visit = this.#visit;
    const from = this.#link;
    if (!from) return;
    let link: Link | undefined;
    try {
      const grant = await this.options.mint();
      if (visit !== this.#visit) return;
      this.#handover = { from, twins: new Twins() };
      link = await this.#open(grant);
      const held = this.subscriptions.filter((s) => s.state === 'held');
      await Promise.all(held.map((s) => this.#ask(link!, s, true)));
      if (visit !== this.#visit) return link.line?.end();
      if (link.dead) throw new Error('the new connection ended');
      this.#take(link, grant);
      this.#later(overlap, () => {
        from.line?.end();
        this.#handover = undefined;
      });
      const missed = this.subscriptions.filter((s) => !held.some((h) => h.filter === s.filter));
      await Promise.all(missed.map((s) => this.#ask(link!, s, true)));
    } catch {
      link?.line?.end();
      if (visit !== this.#visit) return;
      this.#handover = undefined;
      this.#later(renewAtLeast, () => void this.#renew());
    }
  }

  #failed(cause: unknown): void {
    this.#clearTimers();
    this.#handover = undefined;
    this.problem = cause instanceof Refused ? cause.why : cause instanceof ApiError ? cause : undefined;
    if (cause instanceof ApiError && final.includes(cause.code)) {
      this.state = 'stopped';
      return;
    }
    this.state = 'waiting';
    const wait = waits[Math.min(this.#attempts++, waits.length - 1)]! * 1000;
    this.#later(wait, () => void this.#connect());
  }

  async #ask(link: Link, wish: Subscription, quiet: boolean): Promise<void> {
    const answer = await link.line!.subscribe(wish.filter, wish.qos, quiet);
    if (link.dead) return; // the next connection asks again
    if (answer.code < refusedFrom) return this.#note(wish.filter, { state: 'held', why: undefined });
    const known = this.subscriptions.find((s) => s.filter === wish.filter)?.why; // the log may have been faster
    this.#note(wish.filter, { state: 'refused', why: known?.rule ? known : answer });
  }

  #note(filter: string, change: Partial<Subscription>): void {
    this.subscriptions = this.subscriptions.map((s) => (s.filter === filter ? { ...s, ...change } : s));
  }

  #receive(message: Received, link: Link): void {
    if (this.#handover) {
      const side = link === this.#handover.from ? 'old' : 'new';
      if (!this.#handover.twins.fresh(side, twinKey(message.topic, message.payload))) return;
    } else if (link !== this.#link && this.#link) {
      return; // the last of a line that has been replaced
    }
    const of = this.subscriptions.find((s) => s.state !== 'refused' && matches(s.filter, message.topic));
    this.inbox.add({ way: 'in', ...message, colour: of?.colour });
    const kept = this.tree.find(message.topic)?.value?.retained ?? false;
    const payload = message.payload.length > treePayload ? message.payload.slice(0, treePayload) : message.payload;
    this.tree.put(message.topic, { payload, size: message.payload.length, at: Date.now(), qos: message.qos, retained: message.retain ? message.payload.length > 0 : kept }, 1);
    this.treeVersion ||= 1;
    this.#stale = true;
  }

  #later(wait: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, wait);
    this.#timers.add(timer);
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
