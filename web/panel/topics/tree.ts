// A tree of topics with what is known of each. It knows no page: who draws it asks for the rows that can be seen.

/** Value is the last message of a topic. */
export interface Value {
  payload: Uint8Array; // the beginning, where size is larger
  size: number; // bytes
  at?: number; // milliseconds since the epoch; undefined: before we looked
  qos: number;
  retained: boolean;
  publisher?: string; // client id
  user?: string;
}

/** Node is one level of one topic. */
export interface Node {
  name: string;
  topic: string;
  parent?: Node;
  children?: Map<string, Node>;
  value?: Value;
  messages: number; // of this topic
  below: number; // messages of it and all below
  topics: number; // topics with a value, of it and all below
  rate: number; // messages a second of it and all below, over the last seconds
  since: number; // below at the last beat
  history?: Value[]; // newest last, where the tree keeps some
  gone: number; // values of history that have gone although the tree's own list has them
}

/** Row is one line of the tree as it is drawn. */
export interface Row {
  node: Node;
  depth: number;
  open: boolean; // only of those with children
  // What the node has at the moment: a node stays the same while its numbers change.
  value?: Value;
  below: number;
  topics: number;
  rate: number;
}

const keptTopics = 20_000;
const keptValues = 100_000; // of all topics together
const keptBytes = 16 << 20; // of their payloads
const smoothing = 0.5; // share of the newest second in a rate

/** Tree holds topics, bounded: beyond keptTopics new ones are counted only. */
export class Tree {
  readonly root: Node = fresh('', '');
  /** over counts messages of topics that there was no room for. */
  over = 0;
  #open = new Set<string>();
  #busy = new Set<Node>(); // with a rate or messages since the last beat
  #nodes = new Map<string, Node>();
  #sorted = new WeakMap<Node, Node[]>();
  #kept: Node[] = []; // whose values are kept, oldest first
  #keptFrom = 0; // index of the oldest in #kept
  #keptBytes = 0;

  constructor(readonly keep = 0) {}

  get size(): number {
    return this.root.topics;
  }

  find(topic: string): Node | undefined {
    return this.#nodes.get(topic);
  }

  /** put notes the last message of a topic; count is how many came since the one before. */
  put(topic: string, value: Value, count: number): void {
    let node = this.#nodes.get(topic);
    if (!node) {
      if (this.root.topics >= keptTopics) {
        this.over += count;
        return;
      }
      node = this.#make(topic);
    }
    if (!node.value) for (let up: Node | undefined = node; up; up = up.parent) up.topics++;
    node.value = value;
    node.messages += count;
    if (count > 0) {
      for (let up: Node | undefined = node; up; up = up.parent) {
        up.below += count;
        this.#busy.add(up);
      }
    }
    if (this.keep > 0 && value.at !== undefined) this.#remember(node, value);
  }

  /** remember keeps a value; the oldest of its topic makes room, and the oldest of all. */
  #remember(node: Node, value: Value): void {
    const history = (node.history ??= []);
    history.push(value);
    this.#kept.push(node);
    this.#keptBytes += value.payload.length;
    if (history.length > this.keep) {
      this.#keptBytes -= history.shift()!.payload.length;
      node.gone++;
    }
    while (this.#kept.length - this.#keptFrom > keptValues || this.#keptBytes > keptBytes) {
      const oldest = this.#kept[this.#keptFrom++]!;
      if (oldest.gone > 0) oldest.gone--;
      else this.#keptBytes -= oldest.history!.shift()!.payload.length;
    }
    if (this.#keptFrom > keptValues) {
      this.#kept = this.#kept.slice(this.#keptFrom);
      this.#keptFrom = 0;
    }
  }

  /** drop forgets the value of a topic, and the levels that nothing is left below. */
  drop(topic: string): void {
    let node = this.#nodes.get(topic);
    if (!node?.value) return;
    node.value = undefined;
    for (let up: Node | undefined = node; up; up = up.parent) up.topics--;
    while (node?.parent && node.topics === 0) {
      node.parent.children?.delete(node.name);
      this.#sorted.delete(node.parent);
      this.#nodes.delete(node.topic);
      this.#busy.delete(node);
      node = node.parent;
    }
  }

  /** beat brings the rates up to date; call it about every seconds. */
  beat(seconds: number): void {
    for (const node of this.#busy) {
      const now = (node.below - node.since) / seconds;
      node.since = node.below;
      node.rate = smoothing * now + (1 - smoothing) * node.rate;
      if (node.rate < 0.01) {
        node.rate = 0;
        this.#busy.delete(node);
      }
    }
  }

  toggle(topic: string, open = !this.#open.has(topic)): void {
    if (open) this.#open.add(topic);
    else this.#open.delete(topic);
  }

  isOpen(topic: string): boolean {
    return this.#open.has(topic);
  }

  /** openTo opens all levels above a topic. */
  openTo(topic: string): void {
    for (let up = this.#nodes.get(topic)?.parent; up; up = up.parent) this.#open.add(up.topic);
  }

  /** openAll opens everything, closeAll nothing. */
  openAll(): void {
    for (const [topic, node] of this.#nodes) if (node.children) this.#open.add(topic);
  }

  closeAll(): void {
    this.#open.clear();
  }

  /** rows are the lines that the tree has now; with a part of a topic wanted, only topics that have it, all open. */
  rows(wanted = ''): Row[] {
    const out: Row[] = [];
    if (wanted) {
      const found = this.#matching(wanted.toLowerCase());
      this.#walk(this.root, 0, out, (node) => found.has(node), () => true);
    } else {
      this.#walk(this.root, 0, out, () => true, (node) => this.#open.has(node.topic));
    }
    return out;
  }

  #matching(wanted: string): Set<Node> {
    const found = new Set<Node>();
    for (const node of this.#nodes.values()) {
      if (!node.value || !node.topic.toLowerCase().includes(wanted)) continue;
      for (let up: Node | undefined = node; up && !found.has(up); up = up.parent) found.add(up);
    }
    return found;
  }

  #walk(node: Node, depth: number, out: Row[], show: (n: Node) => boolean, open: (n: Node) => boolean): void {
    for (const child of this.#children(node)) {
      if (!show(child)) continue;
      const isOpen = child.children !== undefined && child.children.size > 0 && open(child);
      const { value, below, topics, rate } = child;
      out.push({ node: child, depth, open: isOpen, value, below, topics, rate });
      if (isOpen) this.#walk(child, depth + 1, out, show, open);
    }
  }

  /** children are sorted once, until one comes or goes. */
  #children(node: Node): Node[] {
    let list = this.#sorted.get(node);
    if (!list) {
      list = [...(node.children?.values() ?? [])].sort((a, b) => compare(a.name, b.name));
      this.#sorted.set(node, list);
    }
    return list;
  }

  #make(topic: string): Node {
    let node = this.root;
    let path = '';
    topic.split('/').forEach((name, i) => {
      path = i === 0 ? name : `${path}/${name}`;
      node.children ??= new Map();
      let child = node.children.get(name);
      if (!child) {
        child = { ...fresh(name, path), parent: node };
        node.children.set(name, child);
        this.#sorted.delete(node);
        this.#nodes.set(path, child);
      }
      node = child;
    });
    return node;
  }
}

const fresh = (name: string, topic: string): Node => ({ name, topic, messages: 0, below: 0, topics: 0, rate: 0, since: 0, gone: 0 });

/** compare sorts numbers in names by their value: "2" before "10". */
const { compare } = new Intl.Collator('en', { numeric: true });
