// How long each page keeps the main thread busy, in CPU time, with long lists behind it: the real server, the pages as they
// are served, a browser that has never been there. `make pages-speed`; names of pages as arguments choose some.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { chromium } from 'playwright-core';
import { root } from '../lib.mjs';
import { api, client, crowd, publish, start } from './long.mjs';

const most = 300; // milliseconds of CPU time: what a page may take of the main thread
const rounds = Number(process.env.ROUNDS ?? 3);
const wanted = process.argv.slice(2);
const profiles = process.env.PROFILES; // directory for CPU profiles, for the developer tools
const traces = process.env.TRACES; // directory for traces of everything that the main thread did
const quiet = 700; // milliseconds without a request or a task: the page is done

/** places are all pages of the table; rows is what has to be there before a page counts as shown. */
function places(world) {
  const table = readFileSync(join(root, 'web', 'panel', 'routes.ts'), 'utf8');
  const paths = [...table.matchAll(/\bpath: '([^']*)'/g)].map((m) => m[1]).filter((path) => path && !/^\/(flow-servers|devices\/:id|invitation$|welcome|join-team|enter|reset|forgot|sign-up|sign-in)/.test(path));
  const rows = { '/users': 'tbody tr', '/connections': 'tbody tr', '/connections?view=away': 'tbody tr', '/retained': 'tbody tr, main li', '/history': 'tbody tr', '/topics': '[role=treeitem]', '/log': 'main ol > li' }; // of an instance
  return [...paths, '/instances/:id/connections?view=away', '/instances/:id/users?query=999', '/instances/:id/log?query=needle', '/instances/:id/topics?query=99', '/instances/:id/history?topic=house/1/1/state']
    .map((path) => ({ name: path, path: path.replace('/accounts/:id', '/accounts/' + world.account).replace(':id', world.instance).replace(':user', 'user-000001'), rows: rows[/^\/instances\/:id(.*)/.exec(path)?.[1]] }));
}

const world = await start({ lines: 100_000, users: 10_000 });
const sockets = [];
let browser;
let late = false;
try {
  await fillLive(world);
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  const lines = [];
  for (const place of places(world)) {
    if (wanted.length > 0 && !wanted.some((part) => place.name.includes(part))) continue;
    const found = [];
    for (let round = 0; round < rounds; round++) found.push(await visit(place, round === 0));
    found.sort((a, b) => a.all - b.all);
    const middle = found[Math.floor(rounds / 2)];
    lines.push({ name: place.name, ...middle });
    late ||= middle.all > most;
    console.log(`${place.name.padEnd(44)} ${row(middle)}`);
  }
  const worst = lines.reduce((a, b) => (a.all > b.all ? a : b));
  console.log(`\n${''.padEnd(44)} main thread ms (of it: script, style, layout)   kB received, requests, elements, heap MB`);
  console.log(`longest: ${worst.name}, ${Math.round(worst.all)} ms of ${most}`);
} finally {
  await browser?.close();
  sockets.forEach((socket) => socket.destroy());
  await world.server.stop();
}
process.exit(late ? 1 : 0);

function row(m) {
  const n = (value, width = 5) => String(Math.round(value)).padStart(width);
  return `${n(m.all)} (${n(m.script, 4)}${n(m.style)}${n(m.layout)})   ${n(m.bytes / 1000)} kB ${n(m.requests, 3)} ${n(m.elements)} ${n(m.heap, 3)} MB`;
}

/** fillLive makes what only a running server has: connections, sessions that are away, retained messages. */
async function fillLive() {
  const begun = performance.now();
  await crowd(10_000, async (i) => {
    const id = `sensor-${String(i).padStart(5, '0')}`;
    sockets.push(await client(world, id, { filters: i < 200 ? ['house/1/#'] : [] }));
  });
  await crowd(10_000, async (i) => (await client(world, `away-${String(i).padStart(5, '0')}`, { kept: true, filters: [`room/${i}/#`] })).destroy());
  await api(world, 'PATCH', `/instances/${world.instance}/history`, { filters: [{ filter: 'house/#', bytes: 100_000_000 }] });
  for (let i = 0; i < 10_000; i++) publish(sockets[0], `house/${Math.floor(i / 100)}/${i % 100}/state`, JSON.stringify({ on: i % 2 === 0, n: i }), true);
  await api(world, 'GET', `/instances/${world.instance}/retained?query=house/99/99`);
  console.log(`10000 connections, 10000 sessions that are away, 10000 retained messages in ${Math.round(performance.now() - begun)} ms`);
}

/** visit opens a page in a browser that has never been there and gives what it took until nothing went on any more. */
async function visit(place, first) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, locale: 'en-US', timezoneId: 'Asia/Tokyo', reducedMotion: 'reduce' });
  try {
    const [name, value] = world.cookie.split(/=(.*)/s);
    await context.addCookies([{ name, value, url: world.server.origin, secure: true }]);
    const page = await context.newPage();
    await page.goto(world.server.origin + '/robots.txt'); // a renderer of its own stands, nothing of ours is in it
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    const faults = [];
    page.on('pageerror', (error) => faults.push(error.message));
    let [bytes, requests, last] = [0, 0, performance.now()];
    const touch = () => (last = performance.now());
    cdp.on('Network.requestWillBeSent', () => { requests++; touch(); }).on('Network.loadingFinished', (e) => { bytes += e.encodedDataLength; touch(); });
    if (profiles && first) { await cdp.send('Profiler.enable'); await cdp.send('Profiler.start'); }
    if (traces && first) await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-v8.compile', 'v8', 'toplevel', '__metadata', 'blink', 'cc', 'disabled-by-default-devtools.timeline'] });
    const before = await metrics(cdp);
    await page.goto(world.server.origin + place.path);
    await page.locator('h1').first().waitFor();
    if (place.rows) await page.locator(place.rows).first().waitFor();
    await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
    let now = await metrics(cdp);
    for (const begun = performance.now(); performance.now() - last < quiet && performance.now() - begun < 5000;) {
      await new Promise((done) => setTimeout(done, 100));
    }
    now = await metrics(cdp);
    if (profiles && first) {
      mkdirSync(profiles, { recursive: true });
      writeFileSync(join(profiles, place.name.replaceAll(/\W+/g, '_') + '.cpuprofile'), JSON.stringify((await cdp.send('Profiler.stop')).profile));
    }
    if (traces && first) {
      mkdirSync(traces, { recursive: true });
      writeFileSync(join(traces, place.name.replaceAll(/\W+/g, '_') + '.json'), await browser.stopTracing());
    }
    if (faults.length > 0) throw new Error(`${place.name}: ${faults.join('; ')}`);
    const part = (key) => (now[key] - before[key]) * 1000;
    return { all: part('TaskDuration'), script: part('ScriptDuration'), style: part('RecalcStyleDuration'), layout: part('LayoutDuration'), bytes, requests,
      elements: await page.evaluate(() => document.querySelectorAll('*').length), heap: now.JSHeapUsedSize / 1e6, raw: now };
  } finally {
    await context.close();
  }
}

async function metrics(cdp) {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}
