// The panel's steps of the how-to.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { browser, go, run, shot, until } from './lib.mjs';

export const owner = { email: 'owner@example.org', password: 'tansu-mizuumi-42' };

const button = (page, name) => page.getByRole('button', { name, exact: true });

/** arrived waits for the list of instances, with what is loaded for it: who is signed in comes here. */
export async function arrived(page, t) {
  await page.waitForURL('**/instances');
  await page.getByRole('heading', { level: 1, name: t('instances.title') }).waitFor();
}

export async function becomeOwner(world) {
  const { page, t } = world;
  await go(page, world.ownerLink);
  await page.getByLabel(t('account.email')).fill(owner.email);
  await page.getByLabel(t('account.password'), { exact: true }).fill(owner.password);
  await shot(page, `${world.name}-2-welcome`);
  await button(page, t('welcome.submit')).click();
  await arrived(page, t);
  assert.ok(!page.url().includes('token'), 'the link leaves no token in the address');
  await go(page, world.ownerLink); // works once
  await page.getByText(t('welcome.done')).waitFor();
}

export async function invite(world) {
  const { page, t } = world;
  await go(page, `${world.server.origin}/invitations`);
  await page.getByLabel(t('account.email')).fill('friend@example.org');
  await button(page, t('invitations.invite')).click();
  await page.getByText('friend@example.org').first().waitFor();
  await shot(page, `${world.name}-2-invitations`);
  const [link] = await until('the mail', () => mailTo('friend@example.org', join(world.data, 'mail')));
  assert.ok(!world.server.text.includes(link.split('#')[1]), 'the log does not have the link');
  const other = await browser(world.server.ca, world);
  try {
    const friend = other.pages()[0];
    await go(friend, link);
    await friend.getByLabel(t('account.password'), { exact: true }).fill('yama-no-ue-no-neko');
    await button(friend, t('accept.submit')).click();
    await arrived(friend, t);
    await shot(friend, `${world.name}-2-friend`);
  } finally {
    await other.close();
  }
}

/** mailTo is the match of a link with a token in the mail that was written for somebody, or nothing yet. */
function mailTo(address, dir) {
  const mails = readdirSync(dir).filter((name) => name.endsWith('.eml'))
    .map((name) => readFileSync(join(dir, name), 'utf8').replaceAll('=\r\n', '').replaceAll('=3D', '='));
  return /https:\/\/\S+#token=[\w-]+/.exec(mails.find((mail) => mail.includes(address)) ?? '');
}

export async function createInstance(world) {
  const { page, t } = world;
  await go(page, `${world.server.origin}/instances`);
  await shot(page, `${world.name}-3-empty`);
  await page.getByRole('link', { name: t('instances.create') }).first().click();
  await page.getByLabel(t('instance.name')).fill('home');
  await until('the free plan to be preselected', () => page.getByRole('radio', { name: /Free/ }).isChecked());
  await shot(page, `${world.name}-3-create`);
  await button(page, t('create.submit')).click();
  await page.waitForURL(/\/instances\/[a-z]{8}/);
  world.instance = /\/instances\/([a-z]{8})/.exec(page.url())[1];
  await button(page, t('details.reveal')).click();
  await page.getByLabel(t('account.your_password')).fill(owner.password);
  const [answer] = await Promise.all([
    page.waitForResponse((r) => r.url().endsWith('/password/reveal')),
    page.getByRole('dialog').getByRole('button', { name: t('details.reveal'), exact: true }).click(),
  ]);
  world.password = (await answer.json()).password;
  await page.getByText(world.password, { exact: true }).first().waitFor();
  await shot(page, `${world.name}-3-details`);
  const { server } = await page.evaluate(async (id) => (await fetch('/api/v1/instances/' + id)).json(), world.instance); // localhost where there is no network
  for (const text of [server, String(world.server.mqtts), String(world.server.https), '10']) {
    await until(`details with ${text}`, () => page.locator('main').innerText(), (shown) => shown.includes(text));
  }
}

/** mosquitto runs one of the command-line clients against the instance. */
export function mosquitto(world, program, user, password, args, options) {
  return run(`mosquitto_${program}`, ['-h', 'localhost', '-p', String(world.server.mqtts), '--cafile', world.server.ca, '-V', '5',
    '-u', user, '-P', password, ...args], options);
}

export async function usersAndRules(world) {
  const { page, t } = world;
  const api = (method, path, data) => page.evaluate(async ([method, path, data]) => {
    const r = await fetch(path, { method, headers: { 'Content-Type': 'application/json' }, body: data && JSON.stringify(data) });
    return { status: r.status, body: await r.json().catch(() => null) };
  }, [method, path, data]);
  const base = `/api/v1/instances/${world.instance}`;
  await go(page, `${world.server.origin}/instances/${world.instance}/users`);
  await button(page, t('users.create')).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(t('users.name'), { exact: true }).fill('sensor');
  const [made] = await Promise.all([
    page.waitForResponse((r) => r.url().endsWith('/users') && r.request().method() === 'POST'),
    dialog.getByRole('button', { name: t('users.create'), exact: true }).click(),
  ]);
  world.sensor = { user: `${world.instance}:sensor`, password: (await made.json()).password };
  await page.getByText(world.sensor.password, { exact: true }).waitFor();
  await shot(page, `${world.name}-4-user-made`);
  await button(page, t('once.done')).click();
  await go(page, `${world.server.origin}/instances/${world.instance}/users/sensor`);
  await page.getByRole('heading', { name: 'sensor' }).first().waitFor();
  assert.ok(!(await page.content()).includes(world.sensor.password), 'the password is shown once');

  // Without a rule nothing is allowed; a rule holds at once, for connected clients too.
  const denied = await mosquitto(world, 'pub', world.sensor.user, world.sensor.password, ['-t', 'room/1', '-m', 'x', '-q', '1', '-d']);
  assert.match(denied.out, /not authori[sz]ed|RC:135/i, `publish without a rule:\n${denied.out}`);
  const rule = await api('POST', `${base}/rules`, { user: 'sensor', effect: 'allow', access: 'both', filter: 'room/#' });
  assert.equal(rule.status, 201, JSON.stringify(rule.body));
  const listening = mosquitto(world, 'sub', world.sensor.user, world.sensor.password, ['-t', 'room/#', '-C', '1', '-W', '80']);
  await listens(world, (c) => c.user === 'sensor');
  await mosquitto(world, 'pub', world.instance, world.password, ['-t', 'room/1', '-m', 'allowed now', '-q', '1']);
  assert.match((await listening).out, /allowed now/);
  await page.reload();
  await page.getByText('room/#').first().waitFor();
  await shot(page, `${world.name}-4-rules`);

  // "May connect: no" ends the connection that is open.
  const kicked = mosquitto(world, 'sub', world.sensor.user, world.sensor.password, ['-t', 'room/#', '-W', '15', '-d', '-i', 'kicked']);
  await listens(world, (c) => c.user === 'sensor');
  assert.equal((await api('PATCH', `${base}/users/sensor`, { connect: false })).status, 200);
  await connections(world, 'the end of the connection', (all) => !all.some((c) => c.user === 'sensor'));
  await kicked;
  assert.equal((await api('PATCH', `${base}/users/sensor`, { connect: true })).status, 200);
}

/** connections waits until the connections of the instance are as they should be. */
export function connections(world, what, good) {
  return until(what, () => world.page.evaluate(async (id) => (await (await fetch(`/api/v1/instances/${id}/connections`)).json()).items, world.instance), good);
}

/** listens waits until a client is there and has subscribed: what is published from now on reaches it. */
export const listens = (world, which) => connections(world, 'a client that has subscribed', (all) => all.some((c) => which(c) && c.subscriptions > 0));

/** counted waits until as many connections count against the plan, and as many of the web client do not. */
export function counted(world, count, web) {
  return until(`${count} connections, ${web} of the web client`,
    () => world.page.evaluate(async (id) => (await fetch(`/api/v1/instances/${id}/stats`)).json(), world.instance),
    (stats) => stats.connections === count && (web === undefined || stats.web_connections === web));
}

export async function webClient(world) {
  const { page, t } = world;
  await go(page, `${world.server.origin}/instances/${world.instance}/client`);
  await page.getByText(t('client.connected')).first().waitFor();
  const messages = page.getByRole('list', { name: t('client.messages') });
  await button(page, t('client.subscribe')).click();
  await page.locator('section', { has: page.getByRole('heading', { name: t('client.subscriptions') }) }).getByRole('listitem').first().waitFor();
  for (const payload of ['AAAAA', 'BBBB']) {
    await page.getByLabel(t('client.payload'), { exact: true }).fill(payload);
    await button(page, t('client.publish')).click();
    await messages.locator('li.in', { hasText: payload }).waitFor();
  }
  const pub = await mosquitto(world, 'pub', world.instance, world.password, ['-t', 'test', '-m', 'CCCC', '-q', '1']);
  assert.equal(pub.code, 0, pub.out);
  await messages.locator('li.in', { hasText: 'CCCC' }).waitFor();
  await shot(page, `${world.name}-5-client`);
  const html = await page.content();
  assert.ok(!html.includes(world.password), 'no password in the page');
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(width <= 0, `the page scrolls sideways by ${width} px`);
  await counted(world, 0, 1); // the web client takes none of the ten connections
}

export async function stillThere(world) {
  const { page } = world;
  await go(page, `${world.server.origin}/instances`);
  await page.getByText('home').first().waitFor();
  const pub = await mosquitto(world, 'pub', world.instance, world.password, ['-t', 'test', '-m', 'after the restart', '-q', '1']);
  assert.equal(pub.code, 0, pub.out);
}

export async function signOut(world) {
  const { page, t } = world;
  await go(page, `${world.server.origin}/account`);
  await button(page, t('account.sign_out')).first().click();
  await page.waitForURL('**/sign-in*');
  await page.getByLabel(t('account.email')).fill(owner.email);
  await page.getByLabel(t('account.password'), { exact: true }).fill('not the password');
  await button(page, t('sign_in.submit')).click();
  await page.getByRole('alert').first().waitFor();
  await page.getByLabel(t('account.password'), { exact: true }).fill(owner.password);
  await button(page, t('sign_in.submit')).click();
  await page.getByRole('heading', { level: 1, name: t('instances.title') }).waitFor();
  await shot(page, `${world.name}-2-signed-in`);
}
