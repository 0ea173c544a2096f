// The how-to, step by step, as a newcomer follows it: once in English on a large screen, once in Japanese on a phone.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { browser, freePorts, Process, run, serve, shot, temporary, texts } from './lib.mjs';
import * as panel from './panel.mjs';
import * as editor from './editor.mjs';
import { refusals } from './refusals.mjs';

const variants = [
  { name: 'en', language: 'en', width: 1280 },
  { name: 'ja', language: 'ja', width: 360 },
];

for (const v of variants) {
  test(`the how-to in ${v.name} at ${v.width} px`, async (t) => {
    const world = { ...v, data: temporary(v.name), t: texts(v.language), faults: [] };
    try {
      await steps(t, world);
    } finally {
      await world.context?.close();
      await world.pi?.stop();
      await world.server?.stop();
    }
  });
}

/** steps runs one step after the other; a failed one ends the walk. */
async function steps(t, world) {
  const step = async (name, f) => {
    let failed;
    await t.test(name, async () => {
      try {
        await f();
      } catch (error) {
        failed = error;
        for (const [n, p] of (world.context?.pages() ?? []).entries()) await shot(p, `${world.name}-failed-${n}`).catch(() => {});
        throw error;
      }
    });
    if (failed) throw new Error(`step "${name}" failed; the server printed:\n${world.server?.text.slice(-4000)}`);
  };

  await step('1 start, and a link for the owner', async () => {
    world.server = await serve(world.data);
    world.context = await browser(world.server.ca, world);
    world.context.on('page', (p) => watch(world, p));
    world.page = world.context.pages()[0] ?? await world.context.newPage();
    watch(world, world.page);
    world.ownerLink = /https:\S+\/welcome#token=\S+/.exec(world.server.text)[0];
  });
  await step('2 the owner', () => panel.becomeOwner(world));
  await step('2 an invitation', () => panel.invite(world));
  await step('3 create an instance', () => panel.createInstance(world));
  await step('4 users and rules', () => panel.usersAndRules(world));
  await step('5 the web client', () => panel.webClient(world));
  await step('6 a hosted flow server', () => editor.hosted(world));
  await step('6 a broker node filled in', () => editor.filledIn(world));
  await step('7 the Raspberry Pi', async () => {
    const [port] = await freePorts(1);
    const data = temporary(`${world.name}-pi`);
    mkdirSync(data, { recursive: true });
    world.pi = new Process(['flow', '--data', data, '--listen', `127.0.0.1:${port}`]);
    await world.pi.prints(/^ready$/m);
    await editor.pi(world);
  });
  await step('8 what is refused', () => refusals(world));
  await step('1 a restart keeps everything', async () => {
    assert.equal(await world.server.stop(), 0, 'exit code after Ctrl-C');
    world.server = await serve(world.data, world.server.ports);
    assert.doesNotMatch(world.server.text, /welcome#token=/, 'there is an owner already');
    await panel.stillThere(world);
  });
  await step('2 sign-out', () => panel.signOut(world));
  await step('no page reported an error', () => assert.deepEqual(world.faults, []));
}

/** watch collects what a page reports as an error. */
function watch(world, page) {
  if (page.watched) return;
  page.watched = true;
  page.on('pageerror', (e) => world.faults.push(`${page.url()}: ${e.message}`));
  page.on('console', (m) => {
    if (m.type() === 'error' && !expected(m)) world.faults.push(`${page.url()}: ${m.text()} ${m.location().url}`);
  });
}

/** expected says whether the browser reports an answer that a step wants: being signed out, a wrong password. */
const expected = (m) => /status of (401|403)|net::ERR_CONNECTION_REFUSED|WebSocket connection to/.test(m.text());
