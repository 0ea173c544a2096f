// Long lists that nobody keeps: their rows are made when they are asked for.
const begun = Date.parse('2026-11-22T10:00:00Z');
const five = (i) => String(i).padStart(5, '0');

const connection = (i) => ({
  client_id: `sensor-${five(i)}`, user: `user-${five(i)}`, remote: `198.51.${i % 256}.${i % 251}:40${i % 997}`, via: 'mqtts', version: '5.0', tls: 'TLS 1.3',
  connected_at: new Date(begun + i * 1000).toISOString(), keep_alive: 60, expiry: i % 3 ? 0 : 3600, subscriptions: i % 7, queue: (i * 7919) % 500,
  queue_bytes: ((i * 7919) % 500) * 120, inflight: i % 4, web: false, messages_in: i * 31, messages_out: i * 17, bytes_in: i * 3100, bytes_out: i * 1700, lost: i % 100 ? 0 : 3,
});
const session = (i) => ({ ...connection(i), connected: false, since: new Date(begun + i * 1000).toISOString(), subscriptions: ['house/#', `room/${i}`], dropped: 0 });
const user = (i) => ({ name: `user-${five(i)}`, first: false, connect: true, note: i % 10 ? '' : 'on the roof', created_at: new Date(begun + i * 1000).toISOString(), rules: i % 5 });
const line = (i) => ({
  id: i, time: new Date(begun + i * 50).toISOString(), kind: ['connected', 'disconnected', 'denied'][i % 3], client: `sensor-${five(i % 10_000)}`, user: `user-${five(i % 10_000)}`,
  remote: '198.51.100.7:39022', ...(i % 3 === 2 && { topic: `house/${i}`, gate: 'acl', cause: 'No rule allows this topic.', reason: 0x87 }),
});

/** pageOf is a page of n rows that make makes; the cursor is the number of the next. */
function pageOf(n, make, query) {
  const limit = Number(query.get('limit')) || 100;
  const wanted = query.get('query') ?? '';
  const [items, from] = [[], Number(query.get('cursor')) || 0];
  let next = '';
  let total = 0;
  for (let i = 0; i < n; i++) {
    if (wanted && !five(i).includes(wanted.replace(/\D/g, ''))) continue;
    total++;
    if (i < from) continue;
    if (items.length < limit) items.push(make(i));
    else next ||= String(i);
  }
  return [200, { items, total, next }];
}

/** many answers for an instance with so many connections, sessions, users and lines in its log. */
export class Many {
  constructor({ connections = 10_000, users = 100_000, lines = 1_000_000 } = {}) {
    Object.assign(this, { sizes: { connections, users, lines }, asked: [] });
  }

  /** answer is undefined where the list isn't a long one. */
  answer(what, query) {
    const { connections, users, lines } = this.sizes;
    this.asked.push([what, query.toString()]);
    switch (what) {
      case 'connections':
        return pageOf(connections, connection, query);
      case 'sessions':
        return pageOf(connections, session, query);
      case 'users':
        return pageOf(users, user, query);
      case 'log':
        return this.#log(Number(query.get('before')) || lines, query);
    }
    return undefined;
  }

  #log(before, query) {
    const [kind, limit, items] = [query.get('kind'), Number(query.get('limit')) || 100, []];
    for (let i = before - 1; i > 0 && items.length < limit; i--) if (!kind || line(i).kind === kind) items.push(line(i));
    return [200, { items, total: items.length, next: items.length === limit ? String(items.at(-1).id) : '' }];
  }

  /** newer are n lines that have just come. */
  newer(n) {
    return Array.from({ length: n }, () => line(this.sizes.lines++));
  }
}
