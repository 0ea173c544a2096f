// The daily work of somebody who runs an instance, on a phone and by touch alone, in both languages: what is wanted next
// is in sight, above the keyboard, and large enough for a finger.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { browser, serve, shot, temporary, texts } from './lib.mjs';
import { mosquitto, owner } from './panel.mjs';

const button = (at, name) => at.getByRole('button', { name, exact: true });

for (const language of ['en', 'ja']) {
  test(`daily work on a phone, ${language}`, async () => {
    const world = { name: `phone-${language}`, data: temporary('phone'), language, width: 360, height: 740, touch: true, t: texts(language) };
    try {
      world.server = await serve(world.data);
      world.context = await browser(world.server.ca, world);
      world.context.setDefaultTimeout(30_000);
      world.page = world.context.pages()[0] ?? await world.context.newPage();
      await begin(world);
      await sectionsReached(world);
      await passwordShown(world);
      await userWithRule(world);
      await messageSeen(world);
      await refusalExplained(world);
      await pagesForFingers(world);
    } catch (error) {
      if (world.page) await shot(world.page, `${world.name}-failed`).catch(() => {});
      throw error;
    } finally {
      await world.context?.close();
      await world.server?.stop();
    }
  });
}

async function begin(world) {
  const { page, server, language } = world;
  await page.goto(`${server.origin}/sign-in`);
  world.api = (method, path, body) => page.evaluate(async ([method, path, body]) => {
    const answer = await fetch('/api/v1' + path, { method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  }, [method, path, body]);
  await world.api('POST', '/owner', { token: /\/welcome#token=(\S+)/.exec(server.text)[1], ...owner, language });
  world.instance = (await world.api('POST', '/instances', { name: 'home' })).id;
  world.at = `${server.origin}/instances/${world.instance}`;
}

/** inSight says whether a thing is within the window, above the bar of sections. */
async function inSight(page, thing) {
  await thing.waitFor();
  return thing.evaluate((e) => {
    const box = e.getBoundingClientRect();
    const bar = [...document.querySelectorAll('nav')].find((nav) => getComputedStyle(nav).position === 'fixed');
    return box.top >= 0 && box.bottom <= (bar && !e.closest('[role=dialog]') ? bar.getBoundingClientRect().top : innerHeight);
  });
}

/** sectionsReached finds every section at the thumb, and the server's owner theirs with one tap more. */
async function sectionsReached({ name, page, server, t }) {
  await page.goto(`${server.origin}/instances`);
  const bar = page.getByRole('navigation', { name: t('nav.label') });
  await button(bar, t('nav.more')).tap();
  for (const key of ['nav.instances', 'nav.flows', 'nav.devices', 'nav.account', 'nav.accounts', 'certificates.title', 'nav.log']) {
    const box = await bar.getByRole('link', { name: t(key), exact: true }).boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 360 && box.height >= 44, `${key} is at ${JSON.stringify(box)}`);
  }
  await shot(page, `${name}-sections`);
  await bar.getByRole('link', { name: t('nav.log'), exact: true }).tap();
  await page.getByRole('heading', { level: 1, name: t('nav.log') }).waitFor();
  await bar.getByRole('link', { name: t('nav.log'), exact: true }).waitFor({ state: 'hidden' });
}

/** passwordShown reveals the password; the focus is where the button was, not lost. */
async function passwordShown({ page, at, t }) {
  await page.goto(at);
  await button(page, t('details.reveal')).tap();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(t('account.your_password')).fill(owner.password);
  await button(dialog, t('details.reveal')).tap();
  await button(page, t('details.hide')).waitFor();
  await page.waitForFunction((hide) => document.activeElement?.textContent.includes(hide), t('details.hide'));
}

/** userWithRule makes a user while a keyboard covers the lower end of the window, and gives it a rule. */
async function userWithRule(world) {
  const { page, t } = world;
  await button(page, t('menu.all')).tap();
  const menu = page.getByRole('navigation', { name: t('menu.label') });
  for (const link of await menu.getByRole('list').getByRole('link').all()) {
    assert.ok(await inSight(page, link), `${await link.innerText()} is not in sight with one tap`);
  }
  await shot(page, `${world.name}-menu`);
  await menu.getByRole('link', { name: t('menu.users'), exact: true }).tap();
  await button(page, t('users.create')).first().tap();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(t('users.name'), { exact: true }).waitFor();
  const keyboard = (height) => page.evaluate((height) => {
    if (height) Object.defineProperty(visualViewport, 'height', { value: innerHeight - height, configurable: true });
    else delete visualViewport.height;
    visualViewport.dispatchEvent(new Event('resize'));
  }, height);
  await keyboard(310);
  await page.waitForFunction(() => {
    const box = document.querySelector('[role=dialog]').getBoundingClientRect();
    return box.top >= 0 && box.bottom <= 430;
  });
  await shot(page, `${world.name}-keyboard`);
  await keyboard(0);
  await dialog.getByLabel(t('users.name'), { exact: true }).fill('sensor');
  const [made] = await Promise.all([
    page.waitForResponse((r) => r.url().endsWith('/users') && r.request().method() === 'POST'),
    button(dialog, t('users.create')).tap(),
  ]);
  world.sensor = (await made.json()).password;
  await dialog.getByRole('link', { name: t('once.rules') }).tap();
  await page.getByRole('heading', { level: 1, name: 'sensor' }).waitFor(); // the page before it has such a form, too
  await page.getByLabel(t('rules.filter'), { exact: true }).fill('room/#');
  await button(page, t('rules.add')).tap();
  await page.locator('li', { hasText: 'room/#' }).first().waitFor();
}

/** messageSeen publishes: that it came back is seen without looking for it. */
async function messageSeen(world) {
  const { page, at, t } = world;
  await page.goto(at + '/client');
  await page.getByText(t('client.connected')).first().waitFor();
  await button(page, t('client.subscribe')).tap();
  await page.locator('section', { has: page.getByRole('heading', { name: t('client.subscriptions') }) }).getByRole('listitem').first().waitFor();
  for (const payload of ['AAAAA', 'BBBB']) {
    await page.getByLabel(t('client.payload'), { exact: true }).fill(payload);
    await button(page, t('client.publish')).tap();
    const newest = page.getByRole('button', { name: t('client.to_list') }).filter({ hasText: payload }).filter({ hasText: t('client.received') });
    assert.ok(await inSight(page, newest), `${payload} came back out of sight`);
  }
  await shot(page, `${world.name}-client`);
}

/** refusalExplained goes from the log of refusals to the gate that refused, and from there to what is to be changed. */
async function refusalExplained(world) {
  const { page, at, t } = world;
  await mosquitto(world, 'pub', `${world.instance}:sensor`, world.sensor, ['-t', 'cellar/1', '-m', 'x', '-q', '1']);
  await page.goto(at + '/log');
  const refused = page.locator('li', { hasText: 'cellar/1' }).first();
  await refused.getByRole('link', { name: t('why.from_log') }).tap();
  const fix = page.getByRole('link', { name: t('why.fix') });
  await fix.waitFor();
  await page.waitForFunction(() => scrollY > 0);
  assert.ok(await inSight(page, fix), 'where it stops is out of sight');
  await shot(page, `${world.name}-why`);
  await fix.tap();
  await page.getByRole('heading', { level: 1, name: 'sensor' }).waitFor();
}

/** pagesForFingers looks at the pages of the day: nothing is wider than the window, nor too small for a finger. */
async function pagesForFingers({ page, at, server, t }) {
  const faults = [];
  for (const path of ['', '/users', '/users/sensor', '/client', '/connections', '/log', '/why', '/statistics', '/import', '/bridges', '/logins']) {
    await page.goto(at + path);
    await page.locator('h1').first().waitFor();
    await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
    faults.push(...await judge(page, path));
  }
  for (const path of ['/instances', '/instances/new', '/account', '/team']) {
    await page.goto(server.origin + path);
    await page.locator('h1').first().waitFor();
    await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
    faults.push(...await judge(page, path));
  }
  assert.deepEqual(faults, [], t('menu.all'));
}

const judge = (page, path) => page.evaluate((path) => {
  const faults = [];
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) faults.push(`${path}: ${wide} px wider than the window`);
  for (const e of document.querySelectorAll('a[href], button, input, select, textarea, summary')) {
    const box = (e.matches('input') && e.closest('label') || e).getBoundingClientRect();
    const inText = e.matches('a') && getComputedStyle(e).display === 'inline'; // a word of a sentence
    if (box.width === 0 || getComputedStyle(e).clipPath !== 'none' || inText) continue;
    if (box.height < 43.5 || box.width < 43.5) faults.push(`${path}: ${Math.round(box.width)} × ${Math.round(box.height)} px: ${e.ariaLabel ?? e.innerText ?? e.name}`);
  }
  return faults;
}, path);
