// Every page of the panel on the real server, in both languages at three widths: no fault in the console, nothing wider
// than the window, no key of a text on the page, and nothing that axe calls serious.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { browser, go, patience, root, serve, shot, temporary } from './lib.mjs';

const axe = readFileSync(createRequire(join(root, 'web', 'panel', 'package.json')).resolve('axe-core/axe.min.js'), 'utf8');
const widths = [360, 768, 1280];

/** paths are those of the panel's table of pages, so that a new page can't be forgotten. */
function paths(world) {
  const table = readFileSync(join(root, 'web', 'panel', 'routes.ts'), 'utf8');
  const all = [...table.matchAll(/\bpath: '([^']*)'/g)].map((m) => m[1]).filter(Boolean);
  assert.ok(all.length > 30, `${all.length} pages`);
  const skipped = [
    /^\/flow-servers\//, // of a hosted flow server: the how-to goes there
    /^\/devices\/:id/, // of a device: its own test
  ];
  return all
    .filter((path) => !skipped.some((one) => one.test(path)))
    .map((path) => path
      .replace('/accounts/:id', `/accounts/${world.account}`)
      .replace(':id', world.instance).replace(':user', 'sensor'))
    .concat('/nowhere', '/instances/zzzzzzzz', '/api/reference', '/api/reference#to-list-users');
}

test('every page', async () => {
  const world = { data: temporary('pages'), language: 'en', width: widths[0] };
  const faults = [];
  try {
    world.server = await serve(world.data);
    world.context = await browser(world.server.ca, world);
    const page = world.context.pages()[0] ?? await world.context.newPage();
    await prepare(world, page);
    const tabs = [page, await world.context.newPage(), await world.context.newPage()];
    for (const language of ['en', 'ja']) {
      await api(page, 'PATCH', '/account', { language });
      const waiting = paths(world);
      await Promise.all(tabs.map(async (tab) => {
        let at = '';
        const note = (text) => faults.push(`${at} ${language} ${tab.viewportSize().width}: ${text}`);
        const told = (line) => { if (['error', 'warning'].includes(line.type()) && !expected(at, line.text())) note(`console: ${line.text()}`); };
        const broke = (error) => note(`page: ${error.message}`);
        tab.on('console', told).on('pageerror', broke);
        while ((at = waiting.shift())) await look(world, tab, at, note, language).catch((error) => note(error.message));
        tab.off('console', told).off('pageerror', broke);
      }));
    }
  } finally {
    await world.context?.close();
    await world.server?.stop();
  }
  assert.deepEqual(faults, []);
});

/** prepare makes the owner, and one of everything that pages show. */
async function prepare(world, page) {
  const token = /\/welcome#token=(\S+)/.exec(world.server.text)[1];
  await go(page, world.server.origin + '/sign-in');
  await api(page, 'POST', '/owner', { token, email: 'owner@example.org', password: 'tansu-mizuumi-42', language: 'en' });
  world.account = (await api(page, 'GET', '/session')).account.id;
  world.instance = (await api(page, 'POST', '/instances', { name: '温室 <b>Greenhouse</b>' })).id;
  const at = `/instances/${world.instance}`;
  await api(page, 'POST', at + '/users', { name: 'sensor', note: 'beside the tomatoes' });
  await api(page, 'POST', at + '/rules', { user: 'sensor', effect: 'allow', access: 'publish', filter: 'home/+/temperature', max_qos: 1, retain: false, note: 'small ones' });
  await api(page, 'POST', at + '/rules', { user: null, effect: 'deny', access: 'both', filter: 'secret/#' });
  await api(page, 'POST', at + '/publishable-keys', { name: 'Shop window', subscribe: ['home/#'], origins: ['https://www.example.org'] });
  await api(page, 'POST', at + '/publish', { topic: 'home/lamp', payload: '{"on":true}', retain: true, qos: 1 });
  await api(page, 'POST', '/tokens', { name: 'Backup', scope: 'read', password: 'tansu-mizuumi-42' });
  await api(page, 'POST', '/invitations', { email: 'friend@example.org' });
}

/** look opens a page, waits until it has what it shows, and judges it at each width. */
async function look(world, page, path, note, language) {
  await page.setViewportSize({ width: widths[0], height: 900 });
  await go(page, world.server.origin + path);
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'), undefined, { timeout: patience });
  await judge(page, path, note, language);
  for (const width of widths.slice(1)) {
    await page.setViewportSize({ width, height: 900 });
    await judge(page, path, note, language);
    if (language === 'ja') await shot(page, `page-${path.replace(world.instance, 'instance').replace(world.account, 'account').replaceAll('/', '_')}-${width}`);
  }
}

async function judge(page, path, note, language) {
  const fits = () => document.documentElement.scrollWidth <= document.documentElement.clientWidth;
  await page.waitForFunction(fits, undefined, { timeout: 20_000 }).catch(() => {}); // charts follow the window; what stays is told below
  const found = await page.evaluate(() => ({
    language: document.documentElement.lang,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    keys: [...document.body.innerText.matchAll(/\b[a-z]+\.[a-z]+_[a-z_]+\b/g)].map((m) => m[0]),
    placeholder: /\{\w+\}/.test(document.body.innerText),
  }));
  if (found.language !== language) note(`the page says that it is ${found.language}`);
  if (found.wide > 0) note(`${found.wide} px wider than the window`);
  if (found.keys.length > 0 && !/audit|log|^\/api\//.test(path)) note(`keys instead of texts: ${found.keys}`);
  if (found.placeholder && !path.startsWith('/api/')) note('a text with an empty place');
  if (page.viewportSize().width === 768) return; // between the two that axe looks at
  if (language === 'ja' && page.viewportSize().width > 768) return; // as in English
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  for (const one of violations.filter((v) => ['serious', 'critical'].includes(v.impact))) {
    note(`axe ${one.id}: ${one.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(' | ')}`);
  }
}

/** expected are the answers that pages without a link, or of things that don't exist, provoke. */
const expected = (path, text) =>
  /status of 4\d\d/.test(text) && ['/welcome', '/invitation', '/enter', '/reset', '/join-team', '/instances/zzzzzzzz'].includes(path);

/** api calls the panel's API as its pages do. */
async function api(page, method, path, body) {
  const { status, text } = await page.evaluate(async ([method, path, body]) => {
    const answer = await fetch('/api/v1' + path, { method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
    return { status: answer.status, text: await answer.text() };
  }, [method, path, body]);
  assert.ok(status < 300, `${method} ${path}: ${status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}
