// Several people at once on the real server: signing in with a provider of OpenID Connect (another one's library, on
// loopback), and a role that changes while its person looks on.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { browser, freePorts, go, root, serve, shot, temporary, texts, until } from './lib.mjs';
import { arrived, becomeOwner, owner } from './panel.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: true });

test('a provider, and a role that changes', async () => {
  const world = { name: 'people', data: temporary('people'), language: 'en', width: 360, t: texts('en') };
  try {
    const ports = await freePorts(4);
    world.provider = await provider(world.data, `https://localhost:${ports[0]}/sign-in/example`);
    world.server = await serve(world.data, ports, { more: ['--config', world.provider.settings, '--oidc-allow', '127.0.0.0/8', '--sign-up', 'open'] });
    world.ownerLink = /https:\/\/\S+\/welcome#token=\S+/.exec(world.server.text)[0];
    world.context = await browser([world.server.ca, world.provider.roots], world);
    world.page = world.context.pages()[0] ?? await world.context.newPage();
    await becomeOwner(world);
    world.second = await browser([world.server.ca, world.provider.roots], { ...world, width: 1280 });
    await signIn(world);
    await confirm(world);
    await link(world);
    await changeRole(world);
  } finally {
    await world.second?.close();
    await world.context?.close();
    await world.server?.stop();
    world.provider?.stop();
  }
});

/** provider starts one that sends browsers back to an address, and writes the settings that name it. */
async function provider(dir, back) {
  const program = join(dir, 'provider');
  execFileSync('go', ['test', '-c', '-o', program, './e2e'], { cwd: root });
  const child = spawn(program, ['-test.run', 'TestProvider$', '-test.timeout', '10m'], { env: { ...process.env, E2E_PROVIDER_BACK: back }, stdio: ['pipe', 'pipe', 'inherit'] });
  const [issuer, roots] = await new Promise((done, fail) => {
    let text = '';
    child.once('exit', () => fail(new Error(`no provider:\n${text}`)));
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      const said = /^provider (\S+) (\S+)$/m.exec(text);
      if (said) done(said.slice(1));
    });
  });
  const settings = join(dir, 'tsunagi.toml');
  writeFileSync(settings, ['[[oidc]]', 'id = "example"', 'name = "Example ID"', `issuer = "${issuer}"`, 'client_id = "tsunagi"',
    'client_secret = "a secret of the client"', `roots = "${roots}"`].join('\n'));
  const ca = join(dir, 'provider.pem'); // the other vanishes with the provider
  writeFileSync(ca, readFileSync(roots));
  return { settings, roots: ca, stop: () => child.kill() };
}

/** as says at the provider who one is. */
async function as(page, who) {
  await page.getByLabel('User').fill(who);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** signIn makes an account by the provider, in a second browser. */
async function signIn(world) {
  const { second, server, t } = world;
  const page = second.pages()[0] ?? await second.newPage();
  world.ann = page;
  await go(page, `${server.origin}/sign-in`);
  await button(page, t('providers.sign_in', { provider: 'Example ID' })).click();
  await as(page, 'vague');
  await page.getByText(t('api.provider.unverified', { provider: 'Example ID' })).waitFor();
  await shot(page, 'people-1-refused');
  await go(page, `${server.origin}/sign-in`);
  await button(page, t('providers.sign_in', { provider: 'Example ID' })).click();
  await as(page, 'ann');
  await page.getByRole('heading', { level: 1, name: t('instances.title') }).waitFor();
  assert.ok(!/code=|state=/.test(page.url()), `nothing of the visit stays in the address: ${page.url()}`);
  await go(page, `${server.origin}/account`);
  await page.getByText('ann@example.org').first().waitFor();
  await shot(page, 'people-2-account');
}

/** confirm has ann, who has no password, show that it is her by signing in with the provider once more. */
async function confirm({ ann: page, server, t }) {
  const id = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/instances', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"name":"hers"}' });
    return (await answer.json()).id;
  });
  const at = `${server.origin}/instances/${id}`;
  await page.goto(at);
  await button(page, t('details.reveal')).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(t('proof.provider_text', { provider: 'Example ID' })).waitFor();
  await shot(page, 'people-3-confirm');
  await button(dialog, t('details.reveal')).click();
  await as(page, 'ann');
  await page.waitForURL(at);
  await button(page, t('details.reveal')).first().click();
  await dialog.getByText(t('proof.confirmed', { provider: 'Example ID' })).waitFor();
  const [answer] = await Promise.all([
    page.waitForResponse((r) => r.url().endsWith('/password/reveal')),
    button(dialog, t('details.reveal')).click(),
  ]);
  await page.getByText((await answer.json()).password, { exact: true }).first().waitFor();
}

/** link has the owner, who has a password, sign in with the provider from now on. */
async function link(world) {
  const { page, server, t } = world;
  await go(page, `${server.origin}/account`);
  await button(page, t('providers.link', { provider: 'Example ID' })).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(t('account.your_password'), { exact: true }).fill(owner.password);
  await button(dialog, t('providers.go')).click();
  await as(page, 'boss');
  await page.locator('li', { hasText: 'Example ID' }).first().waitFor();
  await button(page, t('account.sign_out')).first().click();
  await page.waitForURL('**/sign-in*');
  await button(page, t('providers.sign_in', { provider: 'Example ID' })).click();
  await as(page, 'boss');
  await page.getByRole('heading', { level: 1, name: t('instances.title') }).waitFor();
}

/** changeRole has an owner change the role of somebody who looks on: it is seen without a reload. */
async function changeRole(world) {
  const { page, ann, server, t } = world;
  const api = (method, path, body) => page.evaluate(async ([method, path, body]) => {
    const answer = await fetch('/api/v1' + path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    return answer.status === 204 ? undefined : answer.json();
  }, [method, path, body]);
  await api('POST', '/teams', { name: 'Crew' });
  const instance = (await api('POST', '/instances', { name: 'home' })).id;
  const invitation = await api('POST', '/team/invitations', { email: '', role: 'viewer' });
  await go(ann, invitation.link);
  await button(ann, t('team.join')).click();
  await arrived(ann, t);
  await go(ann, `${server.origin}/instances/${instance}/users`);
  const create = button(ann, t('users.create')).first();
  await create.and(ann.locator('[aria-disabled=true]')).waitFor();

  await go(page, `${server.origin}/team`);
  const role = page.getByLabel(t('team.role_of', { email: 'ann@example.org' }));
  await role.selectOption('member');
  await page.getByText(t('team.role_changed', { email: 'ann@example.org' })).waitFor();
  await until('the list to be read again', () => role.inputValue(), (now) => now === 'member');
  await ann.evaluate(() => dispatchEvent(new Event('focus'))); // its person comes back to the window
  await ann.getByText(t('team.role_now', { name: 'Crew', role: t('team.member') })).waitFor();
  await create.and(ann.locator(':not([aria-disabled=true])')).waitFor();

  await create.click();
  const [changed] = await Promise.all([page.waitForResponse((r) => r.request().method() === 'PATCH'), role.selectOption('viewer')]);
  assert.ok(changed.ok(), `the second change of the role: ${changed.status()}`); // what the page says of the first one may still be there
  const dialog = ann.getByRole('dialog');
  await dialog.getByLabel(t('users.name'), { exact: true }).fill('pump');
  await button(dialog, t('users.create')).click(); // it is refused, which says that something has changed
  await ann.getByText(t('team.role_now', { name: 'Crew', role: t('team.viewer') })).waitFor();
  await create.and(ann.locator('[aria-disabled=true]')).waitFor();
  await shot(ann, 'people-3-viewer');
}
