// What long lists cost the real server: a million lines of log, 100,000 users, 10,000 connections and as many sessions. For
// each question its CPU time, the bytes that were read and sent, and the memory of the server. `make lists-speed`.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { api, ask, client, crowd, start } from './long.mjs';

const times = Number(process.env.TIMES ?? 10); // each question is asked so often
const scale = Number(process.env.SCALE ?? 1);
const sizes = { lines: 1_000_000 * scale, users: 100_000 * scale };

const world = await start(sizes);
const at = `/instances/${world.instance}`;
const sockets = [];
try {
  console.log(`server with ${sizes.lines} lines and ${sizes.users} users: ${memory()} MB`);
  await crowd(10_000, async (i) => sockets.push(await client(world, `sensor-${i}`, { filters: i < 10 ? ['#'] : [] })));
  console.log(`and 10,000 connections: ${memory()} MB`);
  await crowd(10_000, async (i) => (await client(world, `away-${i}`, { kept: true, filters: [`room/${i}/#`] })).destroy());
  console.log(`and 10,000 sessions that are away: ${memory()} MB\n`);
  console.log(`${''.padEnd(50)} CPU ms   wall ms   read kB   sent kB   rows`);

  await question('log, newest', 'GET', at + '/log?limit=50');
  const page = await api(world, 'GET', at + '/log?limit=1000');
  await question('log, 1,000 lines', 'GET', at + '/log?limit=1000');
  await question('log, from the middle', 'GET', `${at}/log?limit=50&before=${Math.round((page.items[0].id + oldest()) / 2)}`);
  await question('log, from the end', 'GET', `${at}/log?limit=50&before=${oldest() + 1_000_000 * 1200}`);
  await question('log, a kind', 'GET', at + '/log?limit=50&kind=denied');
  await question('log, a rare kind', 'GET', at + '/log?limit=50&kind=refused');
  await question('log, a client', 'GET', at + '/log?limit=50&query=sensor-04711');
  await question('log, a word that is nowhere', 'GET', at + '/log?limit=50&query=nowhere');
  await question('log, a word in the oldest line, to the end', 'GET', at + '/log?limit=50&query=needle', { toTheEnd: true, times: 1 });
  await question('users, first page', 'GET', at + '/users?limit=50');
  await question('users, 1,000', 'GET', at + '/users?limit=1000');
  await question('users, a page in the middle', 'GET', at + '/users?limit=50&cursor=user-050000');
  await question('users, part of a name', 'GET', at + '/users?limit=50&query=9999');
  await question('users, part that is nowhere', 'GET', at + '/users?limit=50&query=nobody');
  await question('users, all by pages of 1,000', 'GET', at + '/users?limit=1000', { toTheEnd: true, times: 1 });
  await question('one user', 'GET', at + '/users/user-050000');
  await question('one user is changed', 'PATCH', at + '/users/user-050000', { body: { note: 'x' } });
  await question('rules', 'GET', at + '/rules?user=user-000001');
  await question('connections, newest first', 'GET', at + '/connections?limit=50&sort=-since');
  await question('connections, by traffic', 'GET', at + '/connections?limit=50&sort=-traffic');
  await question('connections, part of an id', 'GET', at + '/connections?limit=50&query=4711');
  await question('connections, a page in the middle', 'GET', at + '/connections?limit=50&sort=client_id&cursor=' + encodeURIComponent(await middle('/connections')));
  await question('connections, all by pages of 1,000', 'GET', at + '/connections?limit=1000', { toTheEnd: true, times: 1 });
  await question('sessions that are away', 'GET', at + '/sessions?limit=50&state=away');
  await question('sessions that are away, longest', 'GET', at + '/sessions?limit=50&state=away&sort=-since');
  await question('losses', 'GET', at + '/losses');
  await question('fights', 'GET', at + '/fights');
  await question('figures of the instance', 'GET', at + '/stats');
  await question('quotas', 'GET', at + '/quotas');
  await question('why', 'POST', at + '/why', { body: { user: 'user-050000', action: 'publish', topic: 'house/1' } });
  await question('accounts', 'GET', '/accounts?limit=50');
  await question('accounts, part of an address', 'GET', '/accounts?limit=50&query=9999');
  await question('audit log', 'GET', '/audit?limit=50');
  await question('audit log of the instance', 'GET', '/audit?limit=50&instance=' + world.instance);
  await tail();
  await question('delete 1,000 users, one by one', 'DELETE', (i) => `${at}/users/user-${String(90_000 * scale + i).padStart(6, '0')}`, { times: 1000 * scale });
  console.log(`\nmemory at the end: ${memory()} MB`);
} finally {
  sockets.forEach((socket) => socket.destroy());
  await world.server.stop();
}

/** oldest is about the id of the oldest line. */
function oldest() {
  return (Date.now() - 60_000 - sizes.lines * 2000) * 1000;
}

async function middle(list) {
  let next = '';
  for (let i = 0; i < 5; i++) ({ next } = await api(world, 'GET', `${at}${list}?limit=1000&sort=client_id${next && '&cursor=' + encodeURIComponent(next)}`));
  return next;
}

/** question asks and prints what one answer cost on average; toTheEnd follows the pages. */
async function question(name, method, path, { body, toTheEnd = false, times: n = times } = {}) {
  const before = used();
  const begun = performance.now();
  let [sent, rows, waited] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    let to = typeof path === 'function' ? path(i) : path;
    do {
      const answer = await ask(world, method, to, body);
      if (answer.status === 429) { // the API's own bound of calls: not what is measured
        const pause = 1000 * Number(answer.headers['retry-after'] ?? 1);
        waited += pause;
        await new Promise((done) => setTimeout(done, pause));
        continue;
      }
      if (answer.status >= 300) throw new Error(`${method} ${to}: ${answer.status} ${answer.text.slice(0, 200)}`);
      sent += answer.bytes;
      const list = answer.text ? JSON.parse(answer.text) : {};
      rows += list.items?.length ?? 0;
      to = toTheEnd && list.next ? `${path}&${path.includes('/log?') ? 'before' : 'cursor'}=${encodeURIComponent(list.next)}` : '';
    } while (to);
  }
  const now = used();
  const n1 = (value, width, digits = 1) => (value / n).toFixed(digits).padStart(width);
  console.log(`${name.padEnd(50)} ${n1(now.cpu - before.cpu, 6)} ${n1(performance.now() - begun - waited, 9)} ${n1((now.read - before.read) / 1000, 9, 0)} ${n1(sent / 1000, 9, 0)} ${n1(rows, 6, 0)}`);
}

/** tail follows the log while lines come as fast as they can be written. */
async function tail() {
  const { request } = await import('node:https');
  const lines = 2000;
  let got = 0;
  const before = used();
  await new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`${got} of ${lines} lines came`)), 60_000);
    const stream = request(`${world.server.origin}/api/v1${at}/log/stream`, { headers: { Cookie: world.cookie, Origin: world.server.origin }, ca: readFileSync(world.server.ca) }, (answer) => {
      void crowd(lines / 2, async (i) => (await client(world, `tail-${i}`)).destroy(), 20); // each is a line when it comes and one when it goes
      answer.setEncoding('utf8').on('data', (chunk) => {
        got += chunk.split('\ndata: ').length - 1;
        if (got < lines * 0.9) return;
        clearTimeout(timer);
        stream.destroy();
        done();
      });
    });
    stream.once('error', (error) => got < lines * 0.9 && fail(error)).end();
  });
  const now = used();
  console.log(`${`live tail, ${lines} lines`.padEnd(50)} ${(now.cpu - before.cpu).toFixed(1).padStart(6)}   with the connections that made them`);
}

/** used is what the server has used since it began: CPU in milliseconds, bytes read from files and sockets. */
function used() {
  const { pid } = world.server.child;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return { cpu: (Number(fields[11]) + Number(fields[12])) * 10, read: Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))[1]) };
}

/** memory is what the server has of it, in megabytes. */
function memory() {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${world.server.child.pid}/status`, 'utf8'))[1]) / 1000);
}
