// Passkeys on the real server: Chromium's own code for them with an authenticator that it simulates.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { browser, go, serve, shot, temporary, texts } from './lib.mjs';
import { becomeOwner, owner } from './panel.mjs';

const button = (page, name) => page.getByRole('button', { name, exact: true });

test('a passkey: made, signed in with, removed', async () => {
  const world = { name: 'passkeys', data: temporary('passkeys'), language: 'en', width: 360, t: texts('en') };
  try {
    world.server = await serve(world.data);
    world.ownerLink = /https:\/\/\S+\/welcome#token=\S+/.exec(world.server.text)[0];
    world.context = await browser(world.server.ca, world);
    world.page = world.context.pages()[0] ?? await world.context.newPage();
    await becomeOwner(world);
    const device = await authenticator(world);
    await register(world, device);
    await reveal(world, device);
    await signOut(world);
    await signIn(world, device);
    await refuseAnotherPerson(world, device);
    await remove(world, device);
  } finally {
    await world.context?.close();
    await world.server?.stop();
  }
});

/** authenticator is that of a phone or laptop: built in, with room for keys, and it knows its owner. */
async function authenticator({ context, page }) {
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return {
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    knows: (isUserVerified) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
  };
}

async function register({ page, server, t }, device) {
  await go(page, `${server.origin}/account`);
  await button(page, t('passkeys.add')).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(t('passkeys.name'), { exact: true }).fill('My phone');
  await dialog.getByLabel(t('account.your_password'), { exact: true }).fill('not the password');
  await button(dialog, t('passkeys.make')).click();
  await dialog.getByRole('alert').first().waitFor();
  assert.deepEqual(await device.credentials(), [], 'without the password no passkey is made');
  await dialog.getByLabel(t('account.your_password'), { exact: true }).fill(owner.password);
  await button(dialog, t('passkeys.make')).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('My phone', { exact: true }).waitFor();
  await shot(page, 'passkeys-1-account');
  const made = await device.credentials();
  assert.equal(made.length, 1);
  assert.equal(made[0].rpId, 'localhost', 'it is bound to the name of the server');
  assert.ok(made[0].isResidentCredential, 'it works without an e-mail address');
}

/** reveal shows an instance's password to somebody who types none. */
async function reveal({ page, server, t }, device) {
  const api = (path, body) => page.evaluate(async ([path, body]) => {
    const answer = await fetch('/api/v1' + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    return { status: answer.status, ...(await answer.json()) };
  }, [path, body]);
  const { id } = await api('/instances', { name: 'home' });
  await page.goto(`${server.origin}/instances/${id}`);
  await button(page, t('details.reveal')).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(t('proof.passkey_text')).waitFor();
  assert.equal(await dialog.locator('input[type=password]').count(), 0, 'no password is asked for');
  await shot(page, 'passkeys-3-confirm');
  await device.knows(false);
  await button(dialog, t('details.reveal')).click();
  await dialog.getByText(t('passkeys.cancelled')).waitFor();
  await device.knows(true);
  const [answer] = await Promise.all([
    page.waitForResponse((r) => r.url().endsWith('/password/reveal')),
    button(dialog, t('details.reveal')).click(),
  ]);
  const { password } = await answer.json();
  await page.getByText(password, { exact: true }).first().waitFor();
  const sent = answer.request().postDataJSON();
  assert.deepEqual(Object.keys(sent), ['confirmation']);
  assert.equal((await api(`/instances/${id}/password/reveal`, sent)).status, 403, 'a confirmation works once');
}

async function signOut({ page, server, t }) {
  await go(page, `${server.origin}/account`);
  await button(page, t('account.sign_out')).first().click();
  await page.waitForURL('**/sign-in*');
}

/** signIn gives neither address nor password. */
async function signIn({ page, server, t }, device) {
  const [{ signCount }] = await device.credentials();
  await button(page, t('passkeys.sign_in')).click();
  await page.getByRole('heading', { level: 1, name: t('instances.title') }).waitFor();
  const [after] = await device.credentials();
  assert.ok(after.signCount > signCount, 'the authenticator has signed');
  await go(page, `${server.origin}/account`);
  await page.getByText(owner.email).first().waitFor();
  await page.locator('li', { hasText: 'My phone' }).first().waitFor();
  assert.equal(await page.locator('li', { hasText: 'My phone' }).getByText(t('account.tokens_unused')).count(), 0, 'its use is noted');
}

/** refuseAnotherPerson tries it with a finger that the authenticator doesn't know. */
async function refuseAnotherPerson(world, device) {
  const { page, t } = world;
  await signOut(world);
  await device.knows(false);
  await button(page, t('passkeys.sign_in')).click();
  await page.getByText(t('passkeys.cancelled')).waitFor();
  await device.knows(true);
  await button(page, t('passkeys.sign_in')).click();
  await page.getByRole('heading', { level: 1, name: t('instances.title') }).waitFor();
}

/** remove takes it away on the server; the authenticator still has it, and it opens nothing. */
async function remove(world, device) {
  const { page, server, t } = world;
  await go(page, `${server.origin}/account`);
  await button(page, t('account.factors_remove_name', { name: 'My phone' })).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(t('proof.password'), { exact: true }).click();
  await dialog.getByLabel(t('account.your_password'), { exact: true }).fill(owner.password);
  await button(dialog, t('account.factors_remove')).click();
  await page.getByText('My phone', { exact: true }).waitFor({ state: 'detached' });
  await signOut(world);
  assert.equal((await device.credentials()).length, 1);
  await button(page, t('passkeys.sign_in')).click();
  await page.getByText(t('api.passkey.sign_in')).waitFor();
  await shot(page, 'passkeys-2-removed');
  assert.equal(await page.evaluate(async () => (await (await fetch('/api/v1/session')).json()).account ?? null), null, 'nobody is signed in');
}
