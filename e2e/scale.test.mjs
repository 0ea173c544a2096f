// Long lists behind the panel's pages: 10,000 connections, 100,000 users, a million lines of log. What a page asks for
// and what it draws has a bound; how long the main thread was busy at a time is printed, not judged: it is the machine's.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { browser, go, root, shot } from './lib.mjs';

const { serve } = await import(join(root, 'web', 'panel', 'dev', 'serve.js'));
const instance = '/instances/kqzvbnta';

const pages = [
  { name: 'connections', list: 'connections', path: instance + '/connections', rows: 'tbody tr', most: 50, last: 'sensor-00049', search: ['09999', 'sensor-09999'], next: 'sensor-00099' },
  { name: 'away', list: 'sessions', path: instance + '/connections?view=away', rows: 'tbody tr', most: 50, last: 'sensor-00049', search: ['09999', 'sensor-09999'], next: 'sensor-00099' },
  { name: 'users', list: 'users', path: instance + '/users', rows: 'tbody tr', most: 50, last: 'user-00049', search: ['99999', 'user-99999'], next: 'user-00099' },
];

for (const one of pages) test(`${one.name}: a page of a long list`, () => inPage(one.name, async (page, server) => {
  await go(page, server.url + one.path);
  await page.getByText(one.last, { exact: true }).first().waitFor();
  assert.equal(await page.locator(one.rows).count(), one.most);
  await page.getByRole('link', { name: 'Next' }).click();
  await page.getByText(one.next, { exact: true }).first().waitFor();
  assert.equal(await page.locator(one.rows).count(), one.most);
  await page.getByRole('searchbox').first().fill(one.search[0]);
  await page.getByText(one.search[1], { exact: true }).first().waitFor();
  assert.equal(await page.locator(one.rows).count(), 1, 'a search begins with its first page');
  const asked = new Set(server.mock.many.asked.filter(([what]) => what === one.list).map(([, query]) => query)); // some lists are read again now and then
  assert.ok(asked.size >= 3 && asked.size < 6, `for three pages it was asked for ${[...asked].join(' ')}`);
  await shot(page, `scale-${one.name}`);
}));

test('connections as a file: every row, page by page', () => inPage('file', async (page, server) => {
  await go(page, server.url + instance + '/connections');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).first().click()]); // the other one is of the losses
  const chunks = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString().trim().split('\r\n').length, 10_001);
  assert.equal(server.mock.many.asked.filter(([what, query]) => what === 'connections' && query.includes('limit=1000')).length, 10);
}));

test('log: a million lines and a flood of new ones', () => inPage('log', async (page, server) => {
  await go(page, server.url + instance + '/log');
  const rows = page.locator('main ol > li');
  await rows.first().waitFor();
  assert.equal(await rows.count(), 50);
  await page.getByText('Live', { exact: true }).waitFor();
  for (let n = 0; n < 20; n++) server.mock.flood(500);
  await page.waitForFunction(() => document.querySelectorAll('main ol > li').length === 200);
  server.mock.flood(500);
  await page.getByRole('button', { name: 'Older' }).click();
  await page.waitForFunction(() => document.querySelectorAll('main ol > li').length === 50);
  assert.ok(new URL(page.url()).searchParams.get('before') > 0);
}));

/** inPage runs a test in a page whose long tasks are told of. */
async function inPage(name, act) {
  const server = await serve({ signedIn: true, many: true });
  const context = await browser(null, { language: 'en', width: 1280 });
  try {
    const page = context.pages()[0] ?? await context.newPage();
    const faults = [];
    page.on('pageerror', (error) => faults.push(error.message));
    await page.addInitScript(() => {
      window.longest = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((e) => (window.longest = Math.max(window.longest, e.duration)))).observe({ type: 'longtask', buffered: true });
    });
    await act(page, server);
    console.log(`${name}: longest task ${Math.round(await page.evaluate(() => window.longest))} ms`);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
    server.close();
  }
}
