// What must be refused is refused, with an answer that helps, and the log says so.
import assert from 'node:assert/strict';
import http from 'node:http';
import { connect as tcp } from 'node:net';
import { connect as tls } from 'node:tls';
import { readFileSync } from 'node:fs';
import { counted, mosquitto } from './panel.mjs';
import { go, patience, shot } from './lib.mjs';

/** request sends plain HTTP and returns the answer. */
function request(port, method, path, headers = {}) {
  return new Promise((done, fail) => {
    const r = http.request({ host: '127.0.0.1', port, method, path, headers: { Host: `localhost:${port}`, ...headers } }, (answer) => {
      let body = '';
      answer.on('data', (c) => { body += c; }).on('end', () => done({ status: answer.statusCode, headers: answer.headers, body }));
    });
    r.once('upgrade', () => fail(new Error('a plain WebSocket was opened'))).once('error', fail).end();
  });
}

const text = (s) => { const b = Buffer.from(s); return Buffer.concat([Buffer.from([b.length >> 8, b.length & 255]), b]); };

/** connectPacket is a CONNECT of version 4 or 5 with a login. */
export function connectPacket(version, id, user, password) {
  const body = Buffer.concat([text('MQTT'), Buffer.from([version, 0xc2, 0, 60]), ...(version === 5 ? [Buffer.from([0])] : []), text(id), text(user), text(password)]);
  assert.ok(body.length < 128);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

/** firstAnswer sends bytes and resolves with the first bytes that come back. */
function firstAnswer(socket, packet) {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error('no answer came')), patience);
    socket.once('error', fail).once('data', (d) => { clearTimeout(timer); done(d); });
    socket.write(packet);
  });
}

/** reason is the reason code of a CONNACK: behind first byte, remaining length and flags. */
function reason(packet) {
  assert.equal(packet[0], 0x20);
  let i = 1;
  while (packet[i] & 0x80) i++;
  return packet[i + 2];
}

export async function refusals(world) {
  const { server, page, t } = world;
  const get = await request(server.http, 'GET', '/instances');
  assert.equal(get.status, 308);
  assert.equal(get.headers.location, `${server.origin}/instances`);
  assert.equal((await request(server.http, 'POST', '/api/v1/session')).status, 403);
  const ws = await request(server.http, 'GET', '/mqtt', { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' });
  assert.equal(ws.status, 426);
  assert.match(ws.body, /wss:/);

  const plain = (version) => firstAnswer(tcp(server.mqtt, '127.0.0.1'), connectPacket(version, `plain-${version}`, world.instance, 'sent-in-clear'));
  const v5 = await plain(5);
  assert.equal(reason(v5), 0x9c, 'use another server');
  assert.ok(v5.includes(`localhost:${server.mqtts}`), 'the answer has a Server Reference');
  const v4 = await plain(4);
  assert.deepEqual([...v4], [0x20, 2, 0, 5]);

  const wrong = await mosquitto(world, 'pub', world.instance, 'wrong', ['-t', 'test', '-m', 'x']);
  assert.notEqual(wrong.code, 0);
  await tooMany(world);

  await go(page, `${server.origin}/instances/${world.instance}/log`);
  const log = page.locator('main');
  for (const words of ['plain-5', 'room/1', 'eleventh', 'sensor']) await log.getByText(words).first().waitFor();
  await shot(page, `${world.name}-8-log`);
  const all = await log.innerText();
  assert.ok(!all.includes('sent-in-clear') && !all.includes(world.password), 'no password in the log');
  assert.ok(!server.text.includes('sent-in-clear') && !server.text.includes(world.password), 'no password in the server\'s log');
}

/** tooMany opens connections until ten are there: the eleventh is refused in the words of its version. */
async function tooMany(world) {
  const { server } = world;
  const ca = readFileSync(server.ca);
  const sockets = [];
  const open = async (version, id) => {
    const s = tls({ host: '127.0.0.1', port: server.mqtts, servername: 'localhost', ca });
    sockets.push(s);
    await new Promise((done, fail) => s.once('secureConnect', done).once('error', fail));
    return firstAnswer(s, connectPacket(version, id, world.instance, world.password));
  };
  try {
    await counted(world, 2); // the two flow servers: whoever else came has gone
    for (let i = 2; i < 10; i++) assert.equal(reason(await open(4, `filler-${i}`)), 0);
    assert.equal(reason(await open(5, 'eleventh-5')), 0x97);
    assert.deepEqual([...await open(4, 'eleventh-4')], [0x20, 2, 0, 3]);
  } finally {
    for (const s of sockets) s.destroy();
  }
}
