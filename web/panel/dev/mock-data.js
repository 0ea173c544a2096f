// What the mock server starts with. Nothing here is a secret: it exists only while developing pages.
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

export const plans = [
  { id: 'free', name: 'Free', connections: 10, web_connections: 5, instances: 3, flow_servers: 2, flow_memory_mb: 256, max_packet: 1_048_576, queue_messages: 1000, default: true },
  { id: 'house', name: 'House', connections: 100, web_connections: 20, instances: 10, flow_servers: 5, flow_memory_mb: 512, max_packet: 8_388_608, queue_messages: 10_000, default: false },
];
export const teams = [
  { id: 'a1', name: 'hana@example.org', own: true, role: 'owner', plan: '' },
  { id: 't1', name: 'Greenhouse crew', own: false, role: 'owner', plan: 'house' },
  { id: 't2', name: 'A team with quite a long name, as people like them', own: false, role: 'viewer', plan: '' },
];
const usage = { instances: 2, flow_servers: 1, devices: 1, connections: 1234, sessions: 2000, retained: 88, messages_in: 48_211_377, messages_out: 96_422_754 };
const plain = { ...usage, instances: 0, connections: 0, messages_in: 0, messages_out: 0 };
export const accounts = [
  { id: 'a1', name: 'hana@example.org', kind: 'owner', plan: '', created_at: ago(90_000), seen_at: ago(1), instance_limit: 0, usage },
  { id: 't1', name: 'Greenhouse crew', kind: 'team', plan: 'house', created_at: ago(80_000), instance_limit: 10, owners: ['hana@example.org'], members: 3, usage },
  { id: 'a2', name: 'somebody-with-a-long-name@subdomain.example.org', kind: 'member', plan: '', created_at: ago(70_000), seen_at: ago(9000), suspended: { since: ago(99), why: 'Unpaid since August.' }, instance_limit: 0, usage: plain },
];
export function account(id, why) {
  const one = accounts.find((a) => a.id === id) ?? accounts[1];
  return { ...one, suspended: why ? { since: ago(0), why } : one.suspended, instances: [{ id: 'kqzvbnta', name: 'Greenhouse', plan: 'house', stats: { connections: 1234, messages_in: 48_211_377, messages_out: 96_422_754 } }] };
}
export const passkeys = [
  { id: 'AQID', name: 'Phone', created_at: ago(9000), used_at: ago(20) },
  { id: 'BAUG', name: 'A security key with a long name in the drawer', created_at: ago(90) },
];
export const providers = [
  { id: 'example', name: 'Example ID' },
  { id: 'works', name: 'Company account' },
];
export const identities = [{ id: 'i1', provider: 'Example ID', email: 'hana.with.a.long.name@id.example.org', created_at: ago(9000), used_at: ago(200) }];
export const members = [
  { id: 'a1', email: 'hana@example.org', role: 'owner', since: ago(90_000), you: true },
  { id: 'a2', email: 'ken@example.org', role: 'member', since: ago(9000), you: false },
  { id: 'a3', email: 'somebody-with-a-long-name@subdomain.example.org', role: 'dashboard', since: ago(90), you: false },
];
export const teamInvitations = [
  { id: 'ti1', email: 'yuki@example.org', role: 'viewer', expires_at: ago(-9000) },
  { id: 'ti2', role: 'member', expires_at: ago(-900) },
];
export const regions = [{ id: 'home', name: 'Home' }];

export function instance(id, name, plan = 'free') {
  return {
    id, name, region: 'home', plan, created_at: ago(30), owner: 'a1', server: '192.168.1.20', host_names: id === 'kqzvbnta' ? ['mqtt.greenhouse.example'] : [], user: id, port: 1883, ssl_port: 8883, device_port: 8884,
    websocket_port: 8443, websocket_path: '/mqtt/' + id, plain: false,
    connection_limit: plans.find((p) => p.id === plan).connections, connections: 3,
    ca: { fingerprint_sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', url: '/ca.pem' },
    versions: ['3.1', '3.1.1', '5.0'],
  };
}

export function users(id) {
  return [
    { name: id, first: true, connect: true, note: '', created_at: ago(30), rules: 0 },
    { name: 'greenhouse', first: false, connect: true, note: 'ESP32 beside the tomatoes', created_at: ago(20), rules: 2 },
    { name: 'old-phone', first: false, connect: false, note: '', created_at: ago(10), rules: 0 },
  ];
}

export const choices = { filters: [{ filter: 'greenhouse/#', bytes: 5e7, days: 90, used: 1_234_567, messages: 18_021 }], limit: 1e8 };
export const keptTopics = [{ topic: 'greenhouse/temperature', count: 18_000, last: ago(0) }, { topic: 'greenhouse/door', count: 21, last: ago(1) }];
export const keptMessages = Array.from({ length: 40 }, (_, n) => ({ id: String(99 - n), time: ago(n / 48), topic: 'greenhouse/temperature', payload: JSON.stringify({ celsius: 20 + 4 * Math.sin(n / 6), humidity: 61 }), encoding: 'text', qos: 1, retain: false, client: 'esp32-roof' }));

const hookState = { state: 'running', last_done: ago(0), queued: 0, delivered: 1284, retries: 3, skipped: 0, buried: 0, last_fired: ago(0), fired: 1284, held: 0, watched: 0, silent: 0 };
const hook = { enabled: true, events: ['message'], filter: '', client: '', condition: '', edge: false, rearm: '', quiet: 0, together: false, silence: 0, schedule: '', zone: '', url: '', topic: '', template: '', qos: 1, retain: false, mail_to: [], has_authorization: false, dead_letters: 0 };
export const hooks = [
  { ...hook, id: 'h1', name: 'Too hot', filter: 'greenhouse/+/temperature', condition: 'payload.celsius > 30', action: 'post', url: 'https://alarm.example.org/in', dead_letters: 2, state: { ...hookState, state: 'retrying', last_error: 'the receiver answered 503 Service Unavailable', last_error_told: { code: 'status', args: { status: '503 Service Unavailable' } }, queued: 12 } },
  { ...hook, id: 'h2', name: 'Fahrenheit', filter: 'greenhouse/+/temperature', action: 'publish', topic: 'us/{topic[1]}', template: '{payload.f}', state: { ...hookState, skipped: 4, last_skip: '{payload.f}: the message lacks it', last_skip_told: { code: 'missing', args: { place: '{payload.f}' } } } },
  { ...hook, id: 'h3', name: 'Pi is away', events: ['connect', 'disconnect', 'quota'], client: 'pi*', action: 'mail', mail_to: ['hana@example.org'], enabled: false, state: { ...hookState, state: 'off', delivered: 0, last_done: undefined } },
  { ...hook, id: 'h4', name: 'Freezer too warm', filter: 'freezer/+/temperature', condition: 'payload > -15', edge: true, rearm: 'payload < -17', quiet: 3600, action: 'mail', mail_to: ['hana@example.org'], state: { ...hookState, fired: 3, delivered: 3, held: 214 } },
  { ...hook, id: 'h5', name: 'Pump is silent', events: ['silence', 'back'], filter: 'pump/#', silence: 600, action: 'mail', mail_to: ['hana@example.org'], state: { ...hookState, fired: 4, delivered: 4, watched: 12, silent: 1 } },
  { ...hook, id: 'h6', name: 'Light off', events: ['schedule'], schedule: '0 23 * * 1,2,3,4,5', zone: 'Asia/Tokyo', action: 'publish', topic: 'light/set', template: 'OFF', state: { ...hookState, fired: 41, delivered: 41, next_run: ago(-1) } },
];
export const deadLetters = [
  { id: '2', event: { id: 'msg_2', type: 'message', payload: '{"celsius": 41}' }, topic: 'greenhouse/north/temperature', cause: 'the receiver answered 404 Not Found', cause_told: { code: 'status', args: { status: '404 Not Found' } }, attempts: 1, created_at: ago(0) },
  { id: '1', event: { id: 'msg_1', type: 'message', payload: '{"celsius": 38}' }, topic: 'greenhouse/south/temperature', cause: 'the receiver did not answer in time', cause_told: { code: 'late' }, attempts: 10, created_at: ago(1) },
];

const bridge = { enabled: true, roots: '', client_id: 'tsunagi-1', user: 'site1', has_password: true, version: '5.0', keep_alive: 60, created_at: ago(5) };
export const bridges = [
  { ...bridge, id: 'b1', name: 'Home', address: 'mqtts://home.example.org', topics: [{ direction: 'out', filter: '#', local: 'sensors/', remote: 'site1/sensors/', qos: 1 }, { direction: 'both', local: 'door/lock', remote: 'site1/lock', qos: 2 }], state: { state: 'connected', since: ago(2), queued: 0, sent: 81234, received: 12, refused: 0 } },
  { ...bridge, id: 'b2', name: 'Factory', address: 'wss://broker.example.net/mqtt', version: '3.1.1', topics: [{ direction: 'in', filter: 'orders/#' }], state: { state: 'waiting', last_error: 'nothing listens at the address: dial tcp: connection refused', last_error_told: { code: 'closed', detail: 'dial tcp: connection refused' }, next_try: ago(0), queued: 42, sent: 0, received: 0, refused: 3, last_refusal: 'a message on "orders/big" was not taken, for it is larger than the 1048576 bytes that this instance takes', last_refusal_told: { code: 'in_large', args: { topic: 'orders/big', bytes: '1048576' } } } },
];

export const rules = () => [
  { id: 'r1', user: 'greenhouse', effect: 'allow', access: 'publish', filter: 'greenhouse/+/temperature' },
  { id: 'r2', user: 'greenhouse', effect: 'deny', access: 'both', filter: 'greenhouse/secret/#' },
  { id: 'r3', user: null, effect: 'allow', access: 'both', filter: 'devices/%u/#' },
];

export const connections = (id) => [
  { client_id: 'esp32-a4cf12', user: 'greenhouse', remote: '192.0.2.17:51234', via: 'mqtts', version: '3.1.1', connected_at: ago(12), keep_alive: 60, subscriptions: 2, queue: 0, queue_bytes: 0, inflight: 0, tls: 'TLS 1.2', expiry: 0, web: false, messages_in: 812, messages_out: 3, bytes_in: 40_600, bytes_out: 120, lost: 0 },
  { client_id: 'nodered_7c1f9d0e', user: id, remote: '192.0.2.30:40112', via: 'wss', version: '5.0', connected_at: ago(3), keep_alive: 60, subscriptions: 14, queue: 3, queue_bytes: 310, inflight: 2, tls: 'TLS 1.3', expiry: -1, web: false, messages_in: 4, messages_out: 12_811, bytes_in: 300, bytes_out: 1_204_000, lost: 7 },
];

/** trial is a test of a bridge that fails at the certificate. */
export const trial = (language) => ({
  works: false,
  steps: [
    { stage: 'name', ok: true },
    { stage: 'tcp', ok: true },
    {
      stage: 'tls', ok: false, problem: 'authority', cause: 'TLS with home.example.org:8883: tls: failed to verify certificate: x509: certificate signed by unknown authority',
      text: language === 'ja' ? 'mqtts://home.example.org の証明書を発行した認証局を信頼できません。認証局の証明書（PEM）をブリッジの設定に加えてください。' : "The certificate of mqtts://home.example.org is signed by an authority that isn't trusted here. Give its certificate (PEM) in the bridge's settings.",
    },
  ],
});


/** quiet is a time in which nothing happened. */
export function quiet(step, from) {
  const all = history(step, from);
  const still = (point) => Object.fromEntries(Object.entries(point).map(([name, value]) => [name, typeof value === 'number' ? 0 : value]));
  return { ...all, items: all.items.map((point) => ({ ...still(point), lost: {} })) };
}

/** history is a day of minutes or a year of hours with a day's rhythm. */
export function history(step, from) {
  const cell = step === 'hour' ? 3600 : 60;
  const to = Date.now() / 1000;
  const items = [];
  for (let at = Math.ceil(Date.parse(from) / 1000 / cell) * cell; at <= to; at += cell) {
    const day = Math.max(0, Math.sin(((at % 86_400) / 86_400) * 2 * Math.PI - 1.5)) + 0.15;
    const noise = 1 + 0.2 * Math.sin(at / 97) + 0.1 * Math.sin(at / 31);
    const n = Math.round(cell * 2 * day * noise);
    items.push({
      at: new Date(at * 1000).toISOString(), connections: Math.round(2 + 7 * day), web_connections: day > 0.8 ? 1 : 0, sessions: 4, subscriptions: 16,
      retained: 40, retained_bytes: 3200 + Math.round(800 * day), queued: day < 0.2 ? 41 : 0, queued_bytes: day < 0.2 ? 4100 : 0, connects: at % 7200 < cell ? 1 : 0,
      messages_in: n, messages_out: 2 * n, bytes_in: n * 90, bytes_out: n * 190, lost: day < 0.2 ? { away: 3, queue_messages: 1 } : {},
    });
  }
  return { step: cell, from, to: new Date(to * 1000).toISOString(), items };
}

export const quotas = [
  { name: 'connections', used: 10, limit: 10, bytes: false, level: 100, since: ago(4) },
  { name: 'web_connections', used: 1, limit: 5, bytes: false, level: 0 },
  { name: 'sessions', used: 4, limit: 1000, bytes: false, level: 0 },
  { name: 'all_subscriptions', used: 16, limit: 10_000, bytes: false, level: 0 },
  { name: 'subscriptions', used: 14, limit: 1000, bytes: false, of: 'nodered_7c1f9d0e', level: 0 },
  { name: 'retained_messages', used: 8100, limit: 10_000, bytes: false, level: 75, since: ago(90) },
  { name: 'retained_bytes', used: 3_200_000, limit: 67_108_864, bytes: true, level: 0 },
  { name: 'queue_messages', used: 41, limit: 100_000, bytes: false, of: 'old-phone', level: 0 },
  { name: 'users', used: 3, limit: 1000, bytes: false, level: 0 },
  { name: 'bridges', used: 0, limit: 0, bytes: false, level: 0 },
];

export const losses = [
  {
    client_id: 'old-phone', user: 'phone', gone: false, total: 71,
    causes: [
      { cause: 'away', count: 70, last: ago(3), text: 'QoS 0 messages came while the client was not connected.', keep: 'Publish and subscribe with QoS 1 or 2: such messages wait for the client.', setting: 'publish.qos' },
      { cause: 'denied', count: 1, last: ago(30), text: "The subscription covers topics that the user's rules don't allow.", keep: "Allow the topic in the user's rules, or subscribe to less.", setting: 'rules', fix: '/users/phone' },
    ],
  },
  {
    client_id: 'dashboard', user: 'greenhouse', gone: true, total: 12,
    causes: [{ cause: 'session_ended', count: 12, last: ago(200), text: 'The session ended while messages waited for the client.', keep: 'Connect without clean start and, in MQTT 5, with a session expiry that outlasts the absence.', setting: 'connect.session_expiry' }],
  },
];

export const fights = [{ client_id: 'node-red', users: ['greenhouse'], addresses: ['192.0.2.30', '198.51.100.7'], takeovers: 14, since: ago(2), last: ago(0) }];

/** topics are n topics of several houses, all with a last message. */
export function topics(n) {
  const rooms = ['kitchen', 'bath', 'roof', 'cellar', 'garden'];
  const things = ['temperature', 'humidity', 'state', 'door', 'light/set'];
  return Array.from({ length: n }, (_, i) => {
    const thing = things[i % things.length];
    const payload = thing === 'state' ? '{"online":true,"rssi":-61}' : thing === 'door' ? 'closed' : thing === 'light/set' ? 'ON' : String(20 + (i % 9));
    return {
      topic: `house-${Math.floor(i / 25)}/${rooms[Math.floor(i / 5) % 5]}/${thing}`, payload, size: payload.length, messages: i % 3,
      at: ago(i % 50), qos: i % 2, retained: i % 4 === 0, publisher: 'esp32-' + (i % 5), user: 'greenhouse',
    };
  });
}

/** stir lets numeric topics change a little. */
export function stir(all) {
  const some = all.filter((t, i) => !Number.isNaN(Number(t.payload)) && i % 2 === 0).slice(0, 20);
  for (const one of some) {
    one.payload = (Number(one.payload) + Math.random() - 0.5).toFixed(1);
    one.messages++;
    one.at = new Date().toISOString();
  }
  return some;
}

/** qr looks like a QR code; nothing reads it. */
export const qr = {
  size: 37,
  path: Array.from({ length: 29 * 29 }, (_, i) => ((i * 7919) % 13 < 6 ? `M${4 + (i % 29)} ${4 + Math.floor(i / 29)}h1v1h-1z` : '')).join(''),
};

export const log = (id) => [
  { kind: 'denied', client: 'esp32-a4cf12', user: 'greenhouse', topic: 'greenhouse/secret/door', gate: 'acl', rule: 'deny both greenhouse/secret/#', cause: 'A rule denies this topic to user greenhouse. Change the rule under Users & ACL.', reason: 0x87, remote: '192.0.2.17:51234' },
  { kind: 'refused', client: 'sensor-11', user: id, gate: 'limits', rule: 'plan free: connections 10', cause: 'All ten connections are in use.', reason: 0x97, remote: '198.51.100.7:39022' },
  { kind: 'refused', client: 'tasmota', user: 'old-phone', gate: 'listener', rule: 'plain MQTT is closed', cause: 'The password crossed the network in clear. Use port 8883 with TLS and change the password.', reason: 0x9c, remote: '203.0.113.7:50001' },
  { kind: 'connected', client: 'nodered_7c1f9d0e', user: id, remote: '192.0.2.30:40112' },
  { kind: 'disconnected', client: 'esp32-old', user: 'greenhouse', remote: '192.0.2.18:51000', cause: 'Keep alive of 60 s passed without a packet.', reason: 0x8d },
  { kind: 'takeover', client: 'node-red', user: id, remote: '192.0.2.30:40110', reason: 0x8e },
  { kind: 'dropped', client: 'dashboard', user: id, topic: 'sensors/all', gate: 'queue', rule: 'queue_messages 1000', cause: 'The queue of this session was full.' },
].map((event, i) => ({ id: 100 - i, time: ago(i * 2 + 1), ...event }));

export const recoveryCodes = Array.from({ length: 10 }, (_, i) => ['abcd', 'efgh', 'ijkl', 'mnop'].map((part) => part.slice(1) + '234567'[i % 6]).join('-'));

/** pageLine is what the log says of a password with all rights that stands in a web page. */
export const pageLine = () => ({
  id: 101, time: ago(7), kind: 'page', client: 'web-5c1e', user: 'dashboard', gate: 'login', rule: 'origin', remote: '203.0.113.9:50122',
  cause: 'a page of https://status.greenhouse.example logs in with a password that opens every topic, and everybody who sees the page can read it: give the page a publishable key (Logins), and this user a new password',
});

export function flowServer(name, state = 'running') {
  return {
    id: name, name, state, cause: state === 'failed' ? 'The process ended three times within a minute: out of memory.' : undefined,
    url: `https://edit-${name}.flows.localhost:8443/`, created_at: ago(300), memory_mb: state === 'running' ? 61 : 0, memory_limit_mb: 256, cpu_percent: state === 'running' ? 3 : 0, cpu_limit_percent: 100,
    restarts: state === 'failed' ? 3 : 0, sandbox: { process: true, directory: true, dial_by_parent: true, no_new_privs: true, empty_network: false },
  };
}

export const caPEM = `-----BEGIN CERTIFICATE-----
MIIBmockMOCKmockMOCKmockMOCKmockMOCKmockMOCKmockMOCKmockMOCKmock
-----END CERTIFICATE-----
`;

export const sessions = [
  { id: 's1', this: true, remote: '203.0.113.7', agent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0 Safari/537.36', created_at: '2026-11-20T09:00:00Z', seen_at: '2026-11-22T11:00:00Z' },
  { id: 's2', this: false, remote: '2001:db8::7', agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1', created_at: '2026-11-19T09:00:00Z', seen_at: '2026-11-21T11:00:00Z' },
];

export const apiTokens = [
  { id: 't1', name: 'Backup', scope: 'read', created_at: '2026-11-01T09:00:00Z', expires_at: '2027-02-01T09:00:00Z', used_at: '2026-11-22T03:00:00Z' },
  { id: 't2', name: 'Soil sensors', scope: 'publish', instance: 'kqzvbnta', topics: ['garden/soil/+/moisture', 'garden/alarm'], created_at: '2026-11-20T09:00:00Z' },
];

export const audit = [
  { id: '4', time: '2026-11-22T11:20:00Z', email: 'hana@example.org', via: 'panel', remote: '2001:db8:85a3::8a2e:370:7334', action: 'team.rename', object: 't1', detail: 'Greenhouse crew' },
  { id: '3', time: '2026-11-22T11:10:00Z', email: 'hana@example.org', via: 'flow night-shift', remote: '203.0.113.7', action: 'retained.expiry', object: 'kqzvbnta', detail: '2' },
  { id: '2', time: '2026-11-22T11:00:00Z', email: 'hana@example.org', via: 'panel', remote: '203.0.113.7', action: 'instance.create', object: 'kqzvbnta', detail: 'Greenhouse' },
  { id: '1', time: '2026-11-22T10:00:00Z', via: 'admin', action: 'account.create', object: 'a1', detail: 'owner hana@example.org' },
];

export const retained = [
  { topic: 'greenhouse/temperature', payload: '{"celsius":21.5}', encoding: 'text', size: 16, qos: 1, publisher: 'esp-1', user: 'greenhouse' },
  { topic: 'greenhouse/status', payload: 'online', encoding: 'text', size: 6, qos: 0, publisher: 'esp-1', user: 'greenhouse', expires_in: 540 },
  { topic: 'greenhouse/lamp/set', payload: 'ON', encoding: 'text', size: 2, qos: 1, publisher: 'old-phone', user: 'phone', command: true },
];

export const clientSessions = [
  { client_id: 'old-phone', user: 'phone', connected: false, since: '2026-11-20T09:00:00Z', subscriptions: ['greenhouse/#', 'house/door'], queue: 41, queue_bytes: 4100, inflight: 0, expiry: 604_800, web: false, messages_in: 0, messages_out: 0, dropped: 0, lost: 71 },
];

export const why = {
  works: false,
  steps: [
    { gate: 'listener', ok: true, text: 'Reachable with TLS at localhost: MQTT on port 8883, WebSocket on port 8443. Plain connections are refused.' },
    { gate: 'login', ok: true, text: 'greenhouse is connected as esp-1.' },
    { gate: 'limits', ok: true, text: '3 of 10 connections are in use.', rule: 'connections' },
    { gate: 'acl', ok: false, text: 'greenhouse may not publish to house/door. Add a rule that allows it.', rule: 'no rule allows it', fix: '/users/greenhouse' },
  ],
  seen: [{ id: 1, time: '2026-11-22T11:00:00Z', kind: 'denied', client: 'esp-1', user: 'greenhouse', topic: 'house/door', gate: 'acl', rule: 'no rule', reason: 135 }],
};

export const guard = {
  others: 'allow', ban: true, ban_tries: 10, ban_window: 600, ban_length: 900, connect_rate: 0, you: { address: '198.51.100.20', allowed: true },
};
export const addressRules = [
  { id: 'office', prefix: '198.51.100.0/24', effect: 'allow', note: 'Workshop', created_at: '2026-11-01T09:00:00Z' },
  { id: 'scan', prefix: '2001:db8:bad::/48', effect: 'deny', note: 'Scanners', created_at: '2026-11-02T09:00:00Z' },
];
export const bans = [
  { address: '203.0.113.77', automatic: true, note: '', since: '2026-11-22T10:51:00Z', until: '2026-11-22T11:06:00Z', tries: 10, users: ['admin', 'root', 'mqtt'], clients: ['mqttx_0f'], refused: 214 },
  { address: '2001:db8:0:7::/64', automatic: false, note: 'Noisy neighbour', since: '2026-11-20T08:00:00Z', until: '2026-11-27T08:00:00Z', tries: 0, users: [], clients: [], refused: 0 },
];
export const logins = { password: true, token: true, certificate: 'accepted', certificate_user: 'cn', token_issuer: '', token_audience: '', token_user: '', metrics_token: false };

export const authorities = [{ id: 'ca1', name: 'Tsunagi clients of kqzvbnta', own: true, pem: 'PEM', expires_at: '2036-11-20T00:00:00Z' }];

export const certificates = [
  { authority: 'ca1', serial: '5f3a9c', user: 'greenhouse', note: 'ESP32 on the roof', created_at: '2026-11-20T00:00:00Z', expires_at: '2027-11-20T00:00:00Z' },
  { authority: 'ca1', serial: '11aa02', user: 'phone', note: '', created_at: '2026-10-20T00:00:00Z', revoked_at: '2026-11-01T00:00:00Z' },
];

export const tokenKeys = [{ id: 'k1', kid: 'main', algorithm: 'EdDSA', key: '', url: '' }];

export const imported = (applied) => ({
  applied,
  users: 2,
  kept: 0,
  rules: 2,
  same_rules: 1,
  faults: 1,
  fault_list: [{ source: 'acl', line: 7, message: 'This line is not understood. Wanted is "user", "topic" or "pattern" and what belongs to it.' }],
  note_list: [{ source: 'conf', line: 2, message: 'This is for clients without a login; there are none here.' }],
  user_list: [
    { name: 'boiler', connect: true, from: 'hash' },
    { name: 'door', connect: true, from: 'generated', ...(applied && { password: 'mzq4k7h2w9c6t3x8b5n1r0d' }) },
  ],
  rule_list: [
    { user: 'boiler', effect: 'allow', access: 'publish', filter: 'boiler/#' },
    { user: '', effect: 'allow', access: 'both', filter: 'home/%u/#' },
  ],
});

export const devices = [
  { id: 'd1', name: 'pi', url: 'https://edit-pi.flows.localhost:8443/', instance: 'kqzvbnta', user: 'pi', version: '0.1.0', remote_editing: true, created_at: '2026-11-20T00:00:00Z', online: true, since: '2026-11-22T08:00:00Z', remote: '203.0.113.7', local_only: false, pages: 'public', pages_url: 'https://pi.flows.localhost:8443/', device_pages: 'public', labels: ['garden', 'test'] },
  { id: 'd2', name: 'greenhouse-pi', url: 'https://edit-greenhouse-pi.flows.localhost:8443/', instance: 'kqzvbnta', user: 'greenhouse-pi', version: '0.1.0', remote_editing: false, created_at: '2026-11-20T00:00:00Z', seen_at: '2026-11-21T08:00:00Z', online: false, local_only: false, pages: 'people', pages_url: 'https://greenhouse-pi.flows.localhost:8443/', labels: ['garden'], ended: 'lost', ended_at: '2026-11-21T08:00:00Z' },
];

export const exposures = [
  { user: 'greenhouse', remote: '203.0.113.7:50122', client_id: 'esp-old', times: 3, first_at: '2026-11-20T09:12:00Z', last_at: '2026-11-22T11:15:00Z' },
];

export const device = {
  figures: { version: '0.1.0', target: 'linux-arm64', machine: 'Raspberry Pi 4 Model B Rev 1.4', started_at: '2026-11-20T08:00:00Z', memory: 48e6, total: 3.9e9, available: 3.1e9, cpu: 0.043, cpus: 4, disk: 31e9, free: 24e9, release: '0.2.0', broker: { address: '192.168.1.20:8883', plain: '192.168.1.20:1883', clients: 12, users: 7, state: 'waiting', error: 'connect to mqtt.example.org:8883: i/o timeout', waiting: 43210, bytes: 9.1e6, most_waiting: 1e6, most_bytes: 1073741824, sent: 981234, received: 120 }, flows: { state: 'start', nodes: 48, deployed_at: '2026-11-22T08:00:00Z', deployed_by: 'hana@example.org', written: [{ day: '2026-11-22', bytes: 1.2e6 }, { day: '2026-11-21', bytes: 3.4e6 }] } },
  log: { last: 2, lines: ['time=2026-11-22T08:00:00Z level=INFO msg="tunnel to the platform is open" platform=https://localhost:8443 name=pi', 'time=2026-11-22T08:10:00Z level=INFO msg="signed in" user=hana@example.org'] },
  snapshots: { rev: 'b', snapshots: [{ id: '000002', time: '2026-11-22T08:00:00Z', user: 'hana@example.org', type: 'full', rev: 'b', nodes: 48 }, { id: '000001', time: '2026-11-20T08:00:00Z', user: 'hana@example.org', name: 'Before the frost', type: 'full', rev: 'a', nodes: 41 }] },
  diff: { added: [{ id: 'n1', type: 'mqtt in', name: 'frost' }], removed: [], changed: [{ id: 'n2', type: 'function', name: 'average', fields: ['func'] }, { id: 'n3', type: 'debug', fields: ['x', 'y'], moved: true }] },
  push: { items: [{ device: 'd2', name: 'greenhouse-pi', ok: false, error: 'The device is not connected at the moment.' }], total: 1 },
  meter: { seconds: 2, nodes: [{ id: 'n2', type: 'function', name: 'average', received: 120.4, sent: 12, cpu: 0.31, queued: 4, queuedBytes: 900, bytes: 2.1e6 }, { id: 'n1', type: 'mqtt in', name: 'frost', received: 0, sent: 120.4, cpu: 0.02, queued: 0, queuedBytes: 0, bytes: 0 }] },
};
export const pageKeys = [
  { key: 'pk_xw7ud5h3q2rk4yn6vbm8tzc9aj', name: 'Shop window', publish: [], subscribe: ['greenhouse/temperature'], origins: ['https://www.example.org'], connections: 50, url: 'wss://mqtt.example.org/mqtt/kqzvbnta?key=pk_xw7ud5h3q2rk4yn6vbm8tzc9aj', expires_at: '2027-11-22T00:00:00Z' },
];
export const hostNames = {
  limit: 5,
  target: 'mqtt.example.org',
  addresses: ['192.0.2.80', '2001:db8::80'],
  items: [
    { name: 'mqtt.greenhouse.example', txt_name: '_tsunagi.mqtt.greenhouse.example', txt_value: 'tsunagi=kz5v7rhq4m2wd6xn3tbj8cy9pa', proven: true, certificate: { state: 'ready', not_after: '2027-02-11T09:00:00Z' } },
    { name: 'a-rather-long-name.of-the-office.subdomain.example.com', txt_name: '_tsunagi.a-rather-long-name.of-the-office.subdomain.example.com', txt_value: 'tsunagi=q8c3m5ykw7ztr4nd2xvb6hj9ea', proven: false },
    { name: 'old.example.com', txt_name: '_tsunagi.old.example.com', txt_value: 'tsunagi=x4nd2rt8wq7zk3m5yvb6hj9cea', proven: true, lapses_at: '2026-11-29T09:00:00Z', certificate: { state: 'limited', problem: 'rateLimited: too many certificates already issued', next: '2026-11-23T15:00:00Z' } },
  ],
};
export const hostCheck = { ...hostNames.items[1], record: 'missing', points: 'nowhere', seen: [], addresses: [], text: 'There is no TXT record at _tsunagi.a-rather-long-name.of-the-office.subdomain.example.com yet. Make one with the value tsunagi=q8c3m5ykw7ztr4nd2xvb6hj9ea, and check again.' };
export const retainExpiry = { filters: [{ filter: 'homeassistant/#', seconds: 604_800 }, { filter: 'greenhouse/+/telemetry', seconds: 5400 }] };
