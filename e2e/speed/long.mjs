// A real server with long lists behind every page: its store filled while it is stopped, and clients of its own.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { freePorts, Process, root, temporary } from '../lib.mjs';

export const owner = { email: 'owner@example.org', password: 'tansu-mizuumi-42' };

// Limits far above what is measured.
const settings = `
account_instances = 100000
[log]
kept_lines = 1000000
[connect]
per_address = 100000
waiting = 100000
[[plans]]
id = "large"
name = "Large"
default = true
instances = 100000
connections = 100000
web_connections = 100
flow_servers = 2
flow_memory_mb = 64
max_packet = 1048576
queue_messages = 100000
queue_bytes = 67108864
retained_messages = 200000
retained_bytes = 1073741824
subscriptions = 10000
all_subscriptions = 1000000
subscribe_rate = 100000
sessions = 100000
keep_alive_max = 65535
users = 200000
bridges = 10
hooks = 50
hook_calls = 6000
history_bytes = 1000000000
`;

/** start is a server whose instance has so many rows of everything; sizes are those of internal/bench/fill. */
export async function start(sizes) {
  const data = temporary('speed');
  const world = { data, ports: await freePorts(4) };
  writeFileSync(join(data, 'settings.toml'), settings);
  await run(world);
  const token = /\/welcome#token=(\S+)/.exec(world.server.text)[1];
  await api(world, 'POST', '/owner', { token, ...owner, language: 'en' });
  world.account = (await api(world, 'GET', '/session')).account.id;
  const made = await api(world, 'POST', '/instances', { name: 'Greenhouse' });
  world.instance = made.id;
  world.password = (await api(world, 'POST', `/instances/${made.id}/password/reveal`, { password: owner.password })).password;
  await world.server.stop();
  const args = Object.entries({ instance: world.instance, data, ...sizes }).map(([name, value]) => `-${name}=${value}`);
  console.log(execFileSync('go', ['run', '-tags', 'no_ui', './internal/bench/fill', ...args], { cwd: root, encoding: 'utf8' }).trim());
  await run(world);
  return world;
}

async function run(world) {
  const [https, mqtt, metrics] = world.ports;
  const server = new Process(['serve', '--config', join(world.data, 'settings.toml'), '--data', world.data, '--domain', 'localhost', '--https', `:${https}`, '--mqtts', 'off',
    '--mqtt', `127.0.0.1:${mqtt}`, '--plain', '--http', 'off', '--metrics', `127.0.0.1:${metrics}`]);
  Object.assign(server, { origin: `https://localhost:${https}`, mqtt, metrics, ca: join(world.data, 'ca', 'ca.pem') });
  await server.prints(/ready/);
  world.server = server;
}

/** api calls the server as a page does. It gives the body, or throws what the server said. */
export async function api(world, method, path, body) {
  const { status, text } = await ask(world, method, path, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 300)}`);
  return text ? JSON.parse(text) : undefined;
}

/** ask is api with status, headers, the text itself, and how long it took in milliseconds. */
export async function ask(world, method, path, body) {
  const { request } = await import('node:https');
  const { readFileSync } = await import('node:fs');
  const begun = performance.now();
  return new Promise((done, fail) => {
    const headers = { Origin: world.server.origin };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (world.cookie) headers.Cookie = world.cookie;
    const sent = request(world.server.origin + '/api/v1' + path, { method, headers, ca: readFileSync(world.server.ca) }, (answer) => {
      const chunks = [];
      const fresh = answer.headers['set-cookie'];
      if (fresh) world.cookie = fresh.map((one) => one.split(';')[0]).join('; ');
      answer.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
        const bytes = Buffer.concat(chunks);
        done({ status: answer.statusCode, headers: answer.headers, text: bytes.toString(), bytes: bytes.length, ms: performance.now() - begun });
      }).on('error', fail);
    });
    sent.once('error', fail).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const word = (text) => Buffer.concat([Buffer.from([text.length >> 8, text.length & 255]), Buffer.from(text)]);
const length = (n) => { const out = []; do { out.push((n & 127) | (n > 127 ? 128 : 0)); n >>= 7; } while (n); return Buffer.from(out); };
const packet = (head, ...parts) => { const body = Buffer.concat(parts); return Buffer.concat([Buffer.from([head]), length(body.length), body]); };

/** client connects by MQTT 3.1.1 and subscribes to filters; it gives the socket once all is acknowledged. */
export function client(world, id, { kept = false, filters = [] } = {}) {
  return new Promise((done, fail) => {
    const socket = dial(world.server.mqtt, '127.0.0.1');
    let wanted = 4 + (filters.length ? 4 + filters.length : 0);
    socket.once('error', fail).on('data', (chunk) => { if ((wanted -= chunk.length) <= 0) done(socket); });
    socket.once('close', () => fail(new Error(`client ${id} was turned away`)));
    socket.write(packet(0x10, word('MQTT'), Buffer.from([4, kept ? 0xc0 : 0xc2, 0, 0]), word(id), word(world.instance), word(world.password)));
    if (filters.length) socket.write(packet(0x82, Buffer.from([0, 1]), ...filters.flatMap((filter) => [word(filter), Buffer.from([1])])));
  });
}

/** publish sends messages by a socket, without waiting for an answer: at QoS 0. */
export const publish = (socket, topic, payload, retain = false) => socket.write(packet(0x30 | (retain ? 1 : 0), word(topic), Buffer.from(payload)));

/** crowd does something for every number below n, some at once. */
export async function crowd(n, act, atOnce = 100) {
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(n, atOnce) }, async () => { while (next < n) await act(next++); }));
}
