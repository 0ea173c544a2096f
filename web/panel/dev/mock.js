// A stand-in for the API of `tsunagi serve`, for developing pages and for the browser checks.
// It keeps everything in memory and knows just enough rules to show what pages do with answers.
import * as data from './mock-data.js';
import { Many } from './many.js';
import { Broker } from './mock-broker.js';

const password = 'correct horse'; // of every account here

/** Mock answers the API. Options: owner (an owner exists), signedIn, empty (no instance yet). */
export class Mock {
  constructor({ owner = true, signedIn = false, empty = false, bare = false, language = 'en', role = 'owner', team = 'own', suspended, topics = 40, many = false, ending = 0, billing, signup = 'invite', inPages = false } = {}) {
    const soon = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString();
    this.ends = ending ? { now: soon(0), ends_at: soon(5000), idle_ends_at: soon(ending) } : {};
    this.billing = billing;
    this.signup = signup;
    this.sessions = [...data.sessions];
    this.factors = [];
    this.many = many ? new Many() : null;
    this.owner = owner;
    this.account = signedIn ? { id: 'a1', email: 'hana@example.org', role, language } : null;
    this.language = language;
    this.team = team === 'own' ? data.teams[0] : { ...data.teams[1], role: team, suspended };
    this.instances = empty ? [] : [data.instance('kqzvbnta', 'Greenhouse'), data.instance('pwmxerid', 'Home', 'house')];
    this.users = new Map(this.instances.map((i) => [i.id, data.users(i.id)]));
    this.rules = data.rules();
    this.devices = [...data.devices];
    this.bare = bare;
    this.hooks = bare ? [] : [...data.hooks];
    this.bridges = bare ? [] : [...data.bridges];
    this.invitations = empty ? [] : [{ id: 'i1', email: 'ken@example.org', sent: 'file', expires_at: new Date(Date.now() + 864e5).toISOString() }];
    this.flows = empty ? [] : [data.flowServer('flow-1'), data.flowServer('night-shift', 'failed')];
    this.log = empty ? [] : [...(inPages ? [data.pageLine()] : []), ...data.log('kqzvbnta')];
    this.connections = empty ? [] : data.connections('kqzvbnta');
    this.messages = 0;
    this.streams = new Set();
    this.refused = [];
    this.tokenSeconds = 600;
    this.topics = topics;
    this.broker = new Broker({
      onMessage: () => this.messages++,
      onDenied: (client, topic) => this.#denied(client, topic),
    });
  }

  /** handle answers a request for /api or /ca; false when it's somebody else's. */
  async handle(req, res) {
    const url = new URL(req.url, 'http://mock');
    if (url.pathname.startsWith('/ca.')) {
      res.writeHead(200, { 'Content-Type': 'application/x-pem-file' }).end(data.caPEM);
      return true;
    }
    if (!url.pathname.startsWith('/api/v1/')) return false;
    const parts = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    if (parts[0] === 'instances' && parts[2] === 'topics') return this.#topics(res);
    if (parts[0] === 'instances' && parts.at(-1) === 'stream') return this.#stream(res);
    const body = await readJSON(req);
    const [status, answer] = this.#refusal(req.method, parts) ?? this.#answer(req.method, parts, body, url.searchParams, req.headers.host);
    const type = status >= 400 ? 'application/problem+json' : 'application/json';
    res.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
    res.end(status === 204 ? undefined : JSON.stringify(answer));
    return true;
  }

  /** #refusal is the answer to who has a role that isn't enough; what was refused is kept in refused. */
  #refusal(method, [first, id, what]) {
    const own = ['session', 'account', 'teams', 'sessions', 'passkeys', 'identities', 'factors', 'status', 'plans', 'regions'].includes(first) || id === 'leave';
    if (own || !this.account || ['owner', 'member'].includes(this.team.role)) return undefined;
    const glance = (first === 'instances' || first === 'flow-servers') && !what;
    if (method === 'GET' ? glance || this.team.role === 'viewer' : ['why', 'web-token'].includes(what) && this.team.role === 'viewer') return undefined;
    this.refused.push(`${method} ${first} ${what ?? ''}`);
    return problem(403, 'forbidden', 'Your role is not enough.');
  }

  #answer(method, [first, ...rest], body, query, host) {
    const key = method + ' ' + (first === 'session' && ['provider', 'confirm'].includes(rest[0]) ? 'session/' + rest[0] : first);
    switch (key) {
      case 'GET status':
        return [200, { owner: this.owner, signup: this.signup, version: '0.1.0-dev', languages: ['en', 'ja'], passkeys: true, providers: data.providers }];
      case 'POST owner':
        if (body.password.length < 10) return problem(422, 'invalid', 'The password is too easy to guess.', { password: 'Choose a longer password.' });
        this.owner = true;
        this.#signIn(body.email, body.language);
        return [204];
      case 'GET session':
        return this.account ? [200, { account: this.account, team: this.team, ...this.ends }] : problem(401, 'unauthorized', 'Nobody is signed in.');
      case 'POST session':
        if (body.password !== password) return problem(401, 'unauthorized', 'E-mail address or password is wrong.');
        this.#signIn(body.email, this.language);
        return [200, {}];
      case 'POST session/provider':
        return problem(403, 'forbidden', 'There is an account with hana@example.org already. Sign in with its password, then link Example ID on the page “Account”.');
      case 'GET session/confirm':
        return [200, { password: true, passkey: true, providers: data.providers.slice(0, 1) }];
      case 'POST signup':
      case 'POST password-reset':
        if (rest[0] === 'check') return [200, { email: 'hana@example.org' }];
        return [204];
      case 'DELETE session':
        this.account = null;
        return [204];
    }
    if (first === 'invitations' && method === 'GET' && rest.length === 1) return [200, { email: 'ken@example.org' }];
    if (key === 'POST invitations' && rest[0] === 'accept') {
      this.#signIn('ken@example.org', body.language);
      return [204];
    }
    if (first === 'team-invitations' && method === 'GET') return [200, { team: 'Greenhouse crew', role: 'viewer', email: 'ken@example.org', may_join: true }];
    if (!this.account) return problem(401, 'unauthorized', 'Please sign in.');
    switch (first) {
      case 'account':
        if (method === 'DELETE') return problem(409, 'conflict', 'The team Greenhouse crew would have no owner. Delete the team first, or make somebody else an owner.');
        if (body.password && body.password.old !== password) return problem(403, 'forbidden', 'The current password is wrong.');
        if (body.language) this.account = { ...this.account, language: body.language };
        return [200, this.account];
      case 'devices':
        if (rest[0] === 'codes') return [201, { code: 'ABCD-EFGH', expires: '2026-11-22T11:20:00Z', command: 'tsunagi flow --link https://localhost:8443 --code ABCD-EFGH', filter: body.name + '/#' }];
        if (rest.length > 1 && rest.at(-1) in data.device && rest.at(-1) !== 'push') return [200, data.device[rest.at(-1)]];
        if (rest.at(-1) === 'push') return [200, data.device.push];
        if (method === 'PATCH' && body.name === 'somebody-was-quicker') {
          this.devices[0] = { ...this.devices[0], name: 'north-pi' };
          return problem(412, 'stale', 'Somebody has changed this meanwhile.');
        }
        if (rest.length === 1 && method === 'GET') return [200, this.devices.find((d) => d.id === rest[0]) ?? this.devices[0]];
        return method === 'GET' ? list(this.devices) : method === 'PATCH' ? [200, { ...this.devices[0], ...body }] : [204];
      case 'accounts':
        if (rest[0]) return method === 'DELETE' ? [204] : [200, data.account(rest[0], rest[1] === 'suspend' ? body.why : '')];
        return list(data.accounts);
      case 'passkeys':
        return method === 'GET' ? list(data.passkeys) : [204];
      case 'identities':
        return method === 'GET' ? list(data.identities) : [204];
      case 'teams':
        return method === 'GET' ? list(data.teams) : [201, data.teams[1]];
      case 'team':
        if (rest[0] === 'members') return method === 'GET' ? list(data.members) : [204];
        if (rest[0] === 'invitations') return method === 'GET' ? list(data.teamInvitations) : method === 'POST' ? [201, { id: 'ti9', role: body.role, email: body.email, link: body.email ? undefined : 'https://localhost:8443/join-team#token=Zb58rJxN6wLsYm3k0vTq' }] : [204];
        return [200, this.team];
      case 'session':
        this.team = data.teams.find((t) => t.id === (body.team || 'a1'));
        return [200, { account: this.account, team: this.team }];
      case 'sessions':
        if (method === 'DELETE') this.sessions = this.sessions.filter((one) => one.this || (rest[0] !== 'others' && one.id !== rest[0]));
        return method === 'GET' ? list(this.sessions) : [204];
      case 'tokens':
        if (method === 'POST') return [201, { ...body, id: 't' + Date.now(), created_at: new Date().toISOString(), token: 'tsu_example' }];
        return method === 'GET' ? list(data.apiTokens) : [204];
      case 'factors':
        if (method === 'GET') return list(this.factors);
        if (rest[0] === 'new') return [200, { secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', url: 'otpauth://totp/x', qr: { size: 29, path: 'M4 4h7v7h-7z' } }];
        this.factors = [
          { id: 'f1', kind: 'totp', name: body.name ?? 'Phone', created_at: new Date().toISOString() },
          { id: 'f2', kind: 'recovery', name: '', left: 10, created_at: new Date().toISOString() },
        ];
        return [201, { recovery: data.recoveryCodes }];
      case 'audit':
        return list(data.audit);
      case 'certificates':
        return list([
          { names: ['mqtt.example.org'], source: 'acme', issuer: 'E7', not_after: new Date(Date.now() + 60 * 864e5).toISOString(), missing: false, late: false },
          { names: ['*.flows.mqtt.example.org'], source: 'acme', problem: 'rateLimited: too many certificates', missing: false, late: true },
          { names: ['*.mqtt.example.org'], source: 'acme', missing: true, late: false },
        ]);
      case 'plans':
        return list(this.billing ? [...data.plans, { ...data.plans[1], id: 'works', name: 'Works – for many machines', paid: true }] : data.plans);
      case 'regions':
        return list(data.regions);
      case 'log':
        return list(this.log.slice(1, 3));
      case 'invitations':
        return this.#invitations(method, rest, body);
      case 'flow-servers':
        return this.#flowServers(method, rest, body);
      case 'instances':
        return this.#instances(method, rest, body, query, host);
    }
    return problem(404, 'not_found', 'There is nothing here.');
  }

  #signIn(email, language) {
    this.account = { id: 'a1', email, role: 'owner', language: language ?? 'en' };
  }

  #invitations(method, [id], body) {
    if (method === 'POST') {
      const made = { id: 'i' + Date.now(), email: body.email, sent: 'file', expires_at: new Date(Date.now() + 864e5).toISOString() };
      this.invitations.push(made);
      return [201, made];
    }
    if (method === 'DELETE') {
      this.invitations = this.invitations.filter((i) => i.id !== id);
      return [204];
    }
    return list(this.invitations);
  }

  #flowServers(method, [id, what], body) {
    if (method === 'POST' && !id) {
      if (this.flows.length >= 3) return problem(403, 'limit', 'Your plan has 2 flow servers, and both exist. Delete one first.');
      const made = data.flowServer(body.name, 'starting');
      this.flows.push(made);
      setTimeout(() => Object.assign(made, data.flowServer(body.name)), 1500);
      return [201, made];
    }
    const one = this.flows.find((f) => f.id === id);
    if (id && !one) return problem(404, 'not_found', 'This flow server is gone.');
    if (what === 'open') return [200, { url: one.url + '?code=once' }];
    if (what === 'restart') return [200, Object.assign(one, data.flowServer(one.name), { restarts: one.restarts + 1 })];
    if (method === 'DELETE') {
      this.flows = this.flows.filter((f) => f !== one);
      return [204];
    }
    return one ? [200, one] : list(this.flows);
  }

  #instances(method, [id, what, name, extra, more], body, query, host) {
    if (!id && method === 'POST') {
      if (this.instances.length >= 3) return problem(403, 'limit', 'The plan allows 3 instances. Delete one or choose a larger plan.');
      const made = data.instance(Math.random().toString(36).replace(/[^a-z]/g, '').padEnd(8, 'x').slice(0, 8), body.name, body.plan);
      this.instances.push(made);
      this.users.set(made.id, data.users(made.id).slice(0, 1));
      return [201, made];
    }
    if (!id) return list(this.instances);
    const one = this.instances.find((i) => i.id === id);
    if (!one) return problem(404, 'not_found', 'This instance is gone.');
    const long = method === 'GET' && !name && this.many?.answer(what, query);
    if (long) return long;
    switch (what) {
      case undefined:
        if (method === 'PATCH') Object.assign(one, body);
        if (method === 'DELETE') this.instances = this.instances.filter((i) => i !== one);
        return method === 'DELETE' ? [204] : [200, one];
      case 'stats':
        if (name === 'history') return [200, this.bare ? data.quiet(query.get('step'), query.get('from')) : data.history(query.get('step'), query.get('from'))];
        return [200, { connections: this.connections.length, web_connections: this.broker.size, connection_limit: one.connection_limit, sessions: this.connections.length, subscriptions: 16, retained: 4, messages_in: this.messages + (this.log.length ? 48_211 : 0), messages_out: this.messages * 2, dropped: 0, store: { healthy: true } }];
      case 'web-token':
        return [200, { token: 'minted', client_id: 'web-' + Math.random().toString(36).slice(2, 8), url: `ws://${host}/mqtt/${id}`, expires_at: new Date(Date.now() + this.tokenSeconds * 1000).toISOString() }];
      case 'password':
        if (name === 'reveal' && body.password !== password) return problem(403, 'forbidden', 'This is not the password of your account.');
        return [200, { password: name === 'rotate' ? 'N9xw_4pTz-Qe71bVmK2sYc' : 'tR7v_92kLm-Xa01pQzW8uHd' }];
      case 'key':
        if (name === 'reveal' && body.password !== password) return problem(403, 'forbidden', 'This is not the password of your account.');
        return [200, { key: `tsk_${id}_Zb58rJxN6wLsYm3k0vTqZb58rJxN6wLsYm3k0vTqZb5` }];
      case 'import':
        return [200, data.imported(!body.dry_run)];
      case 'guard':
        return [200, { ...data.guard, ...body }];
      case 'addresses':
        return name ? [200, { ...data.addressRules.find((one) => one.id === name), ...body }] : list(data.addressRules);
      case 'bans':
        return list(data.bans);
      case 'logins':
        return [200, { ...data.logins, ...body }];
      case 'client-authorities':
        return method === 'GET' ? list(data.authorities) : method === 'POST' ? [201, { items: [], total: 0, next: '' }] : [204];
      case 'client-certificates':
        return method === 'GET' ? list(data.certificates) : [201, { ...data.certificates[0], certificate: 'PEM', key: 'PEM' }];
      case 'token-keys':
        return method === 'GET' ? list(data.tokenKeys) : method === 'POST' ? [201, data.tokenKeys[0]] : [204];
      case 'publishable-keys':
        return method === 'GET' ? list(data.pageKeys) : method === 'POST' ? [201, data.pageKeys[0]] : [204];
      case 'metrics-token':
        return method === 'POST' ? [201, { token: 'tsm_example', url: 'https://localhost:8443/api/v1/instances/x/metrics' }] : [204];
      case 'client-ids':
        return [200, { policy: 'takeover', ...body }];
      case 'retained-expiry':
        return [200, this.bare ? { filters: [] } : { ...data.retainExpiry, ...body }];
      case 'retained':
        return name === 'clear' ? [200, { count: 3, more: false }] : list(data.retained);
      case 'sessions':
        if (method === 'GET' && name) return [200, data.clientSessions.find((s) => s.client_id === decodeURIComponent(name)) ?? data.clientSessions[0]];
        return method === 'GET' ? list(data.clientSessions.filter((s) => !s.connected || query.get('state') !== 'away')) : [204];
      case 'why':
        return [200, data.why];
      case 'restart':
      case 'reset':
        return [204];
      case 'phone':
        return [200, { url: `https://mqtt.example.org/enter#code=once&to=/instances/${id}`, qr: data.qr, expires_at: new Date(Date.now() + 120_000).toISOString() }];
      case 'billing':
        return [200, { available: this.billing !== undefined, status: 'none', lapsed: false, ...this.billing }];
      case 'quotas':
        return list(data.quotas);
      case 'losses':
        return list(data.losses);
      case 'fights':
        return list(data.fights);
      case 'connections':
        if (method === 'DELETE') this.connections = this.connections.filter((c) => c.client_id !== name);
        return method === 'DELETE' ? [204] : list(this.connections);
      case 'log': {
        const [kind, wanted] = [query.get('kind'), query.get('query')];
        return list(this.log.filter((e) => (!kind || e.kind === kind) && (!wanted || JSON.stringify(e).includes(wanted))));
      }
      case 'host-names':
        if (method === 'GET') return [200, this.bare ? { ...data.hostNames, items: [] } : data.hostNames];
        return method === 'DELETE' ? [204] : extra === 'check' ? [200, data.hostCheck] : [201, data.hostNames.items[1]];
      case 'exposures':
        return list(id === 'kqzvbnta' ? data.exposures : []);
      case 'users':
        return this.#users(method, id, name, body, query);
      case 'history':
        return name === 'topics' ? list(data.keptTopics) : name === 'messages' ? list(data.keptMessages) : [200, this.bare ? { filters: [], limit: 1e8 } : data.choices];
      case 'hooks':
        return this.#hooks(method, name, [extra, more], body);
      case 'hook-readers':
        return list(['hana@example.org', 'ken@example.org']);
      case 'bridges':
        return extra === 'test' ? [200, data.trial(this.account.language)] : this.#bridges(method, name, body);
      case 'rules':
        return this.#rules(method, name, body, query);
    }
    return problem(404, 'not_found', 'There is nothing here.');
  }

  #users(method, id, name, body, query) {
    const users = this.users.get(id);
    if (name === 'delete' && method === 'POST') {
      const gone = users.filter((u) => !u.first && body.names.includes(u.name));
      for (const one of gone) users.splice(users.indexOf(one), 1);
      return [200, { deleted: gone.length, items: body.names.map((one) => (gone.some((u) => u.name === one) ? { name: one } : { name: one, code: 'not_found', detail: 'This user is gone.' })) }];
    }
    if (!name && method === 'POST') {
      if (users.some((u) => u.name === body.name)) return problem(409, 'conflict', 'There is a user of this name already.', { name: 'This name is taken.' });
      const made = { name: body.name, first: false, connect: body.connect, note: body.note ?? '', created_at: new Date().toISOString(), rules: 0 };
      users.push(made);
      return [201, { ...made, password: body.password ?? 'Ym3k-0vTq_Zb58rJxN6wLs' }];
    }
    if (!name) return list(users.filter((u) => u.name.startsWith(query.get('query') ?? '')));
    const one = users.find((u) => u.name === name);
    if (!one) return problem(404, 'not_found', 'This user is gone.');
    if (method === 'DELETE') {
      users.splice(users.indexOf(one), 1);
      return [204];
    }
    if (method !== 'PATCH') return [200, one];
    const { rotate, password: fresh, ...change } = body;
    if (change.note === 'somebody else was quicker') {
      one.note = 'Greenhouse, north';
      return problem(412, 'stale', 'Somebody has changed this meanwhile.');
    }
    Object.assign(one, change);
    return [200, rotate ? { ...one, password: 'Hw81_zzQp-Vt40nDkR7eXa' } : one];
  }

  #hooks(method, id, [what, deed], body) {
    if (what === 'test') return [200, { done: body.payload !== '', cause: 'the receiver answered 404 Not Found', cause_told: { code: 'status', args: { status: '404 Not Found' } }, took: 84, body: '{"id":"msg_test","type":"message"}' }];
    if (what === 'secret') return [200, { secret: 'whsec_ZXhhbXBsZQ==' }];
    if (what === 'dead-letters') return deed ? [200, { delivered: 2, failed: 0, left: 0, count: 2 }] : list(data.deadLetters);
    if (method === 'POST') {
      const made = { ...body, id: 'h' + Date.now(), enabled: true, has_authorization: false, dead_letters: 0, state: data.hooks[0].state };
      this.hooks.push(made);
      return [201, { ...made, secret: 'whsec_ZXhhbXBsZQ==' }];
    }
    if (method === 'PATCH') {
      this.hooks = this.hooks.map((h) => (h.id === id ? { ...h, ...body } : h));
      return [200, this.hooks.find((h) => h.id === id)];
    }
    if (method === 'DELETE') this.hooks = this.hooks.filter((h) => h.id !== id);
    if (method === 'GET' && id) return [200, this.hooks.find((h) => h.id === id)];
    return method === 'DELETE' ? [204] : list(this.hooks);
  }

  #bridges(method, id, body) {
    if (method === 'POST') {
      this.bridges.push({ ...data.bridges[0], ...body, id: 'b' + Date.now() });
      return [201, this.bridges.at(-1)];
    }
    if (method === 'PATCH') {
      this.bridges = this.bridges.map((b) => (b.id === id ? { ...b, ...body } : b));
      return [200, this.bridges.find((b) => b.id === id)];
    }
    if (method === 'DELETE') this.bridges = this.bridges.filter((b) => b.id !== id);
    if (method === 'GET' && id) return [200, this.bridges.find((b) => b.id === id)];
    return method === 'DELETE' ? [204] : list(this.bridges);
  }

  #rules(method, id, body, query) {
    if (method === 'POST') {
      const made = { id: 'r' + Date.now(), ...body };
      this.rules.push(made);
      return [201, made];
    }
    if (method === 'DELETE') {
      this.rules = this.rules.filter((r) => String(r.id) !== id);
      return [204];
    }
    const user = query.get('user');
    return list(this.rules.filter((r) => (user === null || r.user === user) && (!query.get('all_users') || r.user === null)));
  }

  #stream(res) {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write(':\n\n');
    this.streams.add(res);
    res.on('close', () => this.streams.delete(res));
    return true;
  }

  /** topics sends a world of topics, then a few of them again and again. */
  #topics(res) {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    const all = data.topics(this.topics ?? 40);
    const send = (topics) => res.write(`data: ${JSON.stringify({ topics })}\n\n`);
    send(all);
    const timer = setInterval(() => send(data.stir(all)), 1000);
    res.on('close', () => clearInterval(timer));
    return true;
  }

  /** flood sends lines to whoever follows a log. */
  flood(n) {
    for (const event of this.many.newer(n)) for (const res of this.streams) res.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  #denied(client, topic) {
    const event = { id: Date.now(), time: new Date().toISOString(), kind: 'denied', client, user: 'web-client', topic, gate: 'acl', rule: 'deny both forbidden/#', cause: 'A rule denies this topic.', reason: 0x87 };
    this.log.unshift(event);
    for (const res of this.streams) res.write(`data: ${JSON.stringify(event)}\n\n`);
  }
}

function list(items) {
  return [200, { items, total: items.length, next: '' }];
}

function problem(status, code, detail, fields = {}) {
  const errors = Object.entries(fields).map(([name, message]) => ({ location: 'body.' + name, message }));
  return [status, { type: 'about:blank', title: code, status, code, detail, errors }];
}

async function readJSON(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {};
}
