// A device behind a router that lets it dial out and lets nobody in: paired, and edited from a phone.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { browser, go, patience, Process, root, serve, shot, temporary, texts } from './lib.mjs';
import * as editor from './editor.mjs';
import * as panel from './panel.mjs';
import { addresses, missing, Network } from './network.mjs';

const host = 'cloud.example';

/** greeting is a page of the flows: it shows what its WebSocket says, and whether it gets at the editor. */
const greeting = `<!DOCTYPE html><meta name="viewport" content="width=device-width"><h1>Greenhouse</h1><p id="heard"></p><p id="editor"></p><script>
const ws = new WebSocket(location.origin.replace('https', 'wss') + '/echo');
ws.onopen = () => ws.send('live from home');
ws.onmessage = (m) => { heard.textContent = m.data; };
fetch(location.origin.replace('//', '//edit-') + '/flows', { credentials: 'include' }).then((r) => r.text(), () => 'kept apart').then((text) => { editor.textContent = text; });
</script>`;

test('a device behind a router that translates addresses', { skip: missing() }, async (t) => {
  const world = { name: 'nat', data: temporary('nat'), pi: temporary('nat-pi'), t: texts('en') };
  try {
    await steps(t, world);
  } catch (error) {
    for (const [n, p] of (world.context?.pages() ?? []).entries()) await shot(p, `nat-failed-${n}`).catch(() => {});
    console.error(`the platform printed:\n${world.server?.text.slice(-3000)}\nthe device printed:\n${world.device?.text.slice(-3000)}`);
    throw error;
  } finally {
    await world.context?.close();
    await world.device?.stop();
    await world.server?.stop();
    world.net?.close();
  }
});

async function steps(t, world) {
  const step = async (name, f) => {
    let failed;
    await t.test(name, async () => {
      try {
        await f();
      } catch (error) {
        failed = error;
        throw error;
      }
    });
    if (failed) throw failed; // the ones after it would only fail as well
  };

  world.net = new Network(host);
  await step('start', async () => {
    world.server = await start(world);
    world.context = await browser(world.server.ca, { language: 'en', width: 360, at: world.net.at('phone') });
    world.page = world.context.pages()[0] ?? await world.context.newPage();
    world.ownerLink = /https:\S+\/welcome#token=\S+/.exec(world.server.text)[0];
    await panel.becomeOwner(world);
    world.instance = (await api(world, 'POST', '/instances', { name: 'home' })).id;
  });
  await step('pairing', () => pair(world));
  await step('only the device dials', () => {
    const from = (place, address, ms) => world.net.reaches(place, address, 1880, ms);
    assert.equal(from('router', addresses.device), 'open', 'in its own network it can be reached');
    assert.equal(from('cloud', addresses.device, 2000), 'silence');
    assert.equal(from('cloud', addresses.outside), 'refused');
    assert.equal(from('phone', addresses.outside), 'refused');
    assert.equal(world.net.reaches('home', addresses.cloud, world.server.https), 'open');
  });
  await step('remote editing at 360 px', () => edit(world));
  await step('state, snapshots and meter', () => look(world));
  await step('pages of the flows', () => visit(world));
  await step('the link is cut and healed', async () => {
    world.net.cut();
    await editor.pressById(world.tab, 'press'); // the platform sends, and learns that nobody is there
    await state(world, false);
    world.net.heal();
    await state(world, true);
    await alive(world);
  });
  await step('the platform is restarted', async () => {
    assert.equal(await world.server.stop(), 0);
    world.server = await start(world, world.server.ports);
    await state(world, true);
    await alive(world);
  });
  await step('the device is killed', async () => {
    world.device.child.kill('SIGKILL');
    await world.device.ended;
    await state(world, false);
    await shot(world.page, 'nat-offline');
    await run(world, ['--lan']);
    await state(world, true);
    await alive(world);
    await shot(world.page, 'nat-online');
  });
}

const start = (world, ports) => serve(world.data, ports ?? [8443, 8883, 1883, 8080], { at: world.net.at('cloud'), host });

/** run starts the device, in its home. */
async function run(world, more) {
  world.device = new Process(['flow', '--data', world.pi, '--listen', ':1880', ...more], {}, world.net.at('home'));
  await world.device.prints(/^ready$/m);
}

/**
 * pair adds a device in the panel, and pairs one without screen by the page that it shows in its own network, with what
 * stands in the command.
 */
async function pair(world) {
  const { page, t } = world;
  await go(page, `${world.server.origin}/devices`);
  await page.getByRole('button', { name: t('devices.add'), exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('option').first().waitFor({ state: 'attached' });
  await dialog.getByRole('button', { name: t('devices.make_code'), exact: true }).click();
  const command = dialog.getByText(/^tsunagi flow --link/);
  await command.waitFor();
  await shot(page, 'nat-command');
  const words = (await command.innerText()).trim().split(/\s+/);
  const value = (option) => words[words.indexOf(option) + 1];
  await run(world, ['--lan']);
  assert.match(world.net.found('_tsunagi._tcp'), /Tsunagi on/);
  const first = `http://${addresses.device}:1880`;
  assert.match(world.net.node('router', 'console.log(await (await fetch(process.argv[1])).text())', first), /no owner yet/);
  const answer = world.net.node('router', `
    const [, first, platform, code, pin] = process.argv;
    const r = await fetch(first + '/pair', { method: 'POST', body: new URLSearchParams({ platform, code, pin }) });
    console.log(r.status, await r.text());`, first, value('--link'), value('--code'), value('--pin'));
  assert.match(answer, /^200 [^]*This device is paired/);
  await dialog.getByRole('button', { name: t('once.done'), exact: true }).click();
  await state(world, true);
}

/** state waits until the panel shows the device as online or not. */
async function state(world, online) {
  const { page, t } = world;
  const until = Date.now() + patience;
  for (;;) {
    await go(page, `${world.server.origin}/devices`);
    const badge = page.getByText(t(online ? 'devices.online' : 'devices.offline'), { exact: true });
    if (await badge.waitFor({ timeout: 5000 }).then(() => true, () => false)) return;
    if (Date.now() > until) throw new Error(`the device is not ${online ? 'online' : 'offline'}`);
  }
}

/** edit opens the device's editor on the phone, deploys a flow, presses its button and sees what it says. */
async function edit(world) {
  const { page, t } = world;
  const [tab] = await Promise.all([world.context.waitForEvent('page'), page.getByRole('button', { name: t('flows.open'), exact: true }).click()]);
  world.tab = tab;
  await tab.waitForURL(/edit-pi\.flows\.cloud\.example/);
  await editor.loaded(tab);
  assert.equal(await tab.evaluate(() => innerWidth), 360);
  await editor.importFlow(tab, [
    { id: 'inj1', type: 'inject', name: 'press', props: [{ p: 'payload' }], repeat: '', crontab: '', once: false, onceDelay: 0.1, topic: '', payload: 'pressed from afar', payloadType: 'str', x: 110, y: 60, wires: [['out1']] },
    { id: 'tick', type: 'inject', name: 'tick', props: [{ p: 'payload' }], repeat: '1', crontab: '', once: true, onceDelay: 0.1, topic: '', payload: '', payloadType: 'date', x: 110, y: 120, wires: [['dbg1']] },
    { id: 'out1', type: 'mqtt out', name: '', topic: 'pi/pressed', qos: '1', retain: '', respTopic: '', contentType: '', userProps: '', correl: '', expiry: '', broker: '7d5a1e0c4b9f2a36', x: 260, y: 60, wires: [] },
    { id: 'in1', type: 'mqtt in', name: '', topic: 'pi/pressed', qos: '1', datatype: 'utf8', broker: '7d5a1e0c4b9f2a36', nl: false, rap: true, rh: 0, inputs: 0, x: 110, y: 180, wires: [['dbg1']] },
    { id: 'page1', type: 'http in', name: 'page', url: '/hello', method: 'get', upload: false, swaggerDoc: '', x: 110, y: 240, wires: [['form1']] },
    { id: 'form1', type: 'template', name: '', field: 'payload', fieldType: 'msg', format: 'html', syntax: 'plain', template: greeting, output: 'str', x: 260, y: 240, wires: [['sent1']] },
    { id: 'sent1', type: 'http response', name: '', statusCode: '', headers: {}, x: 400, y: 240, wires: [] },
    { id: 'list1', type: 'websocket-listener', path: '/echo', wholemsg: 'false' },
    { id: 'ear1', type: 'websocket in', name: '', server: 'list1', client: '', x: 110, y: 300, wires: [['voice1']] },
    { id: 'voice1', type: 'websocket out', name: '', server: 'list1', client: '', x: 260, y: 300, wires: [] },
    { id: 'dbg1', type: 'debug', name: 'seen', active: true, tosidebar: true, console: false, tostatus: false, complete: 'payload', targetType: 'msg', statusVal: '', statusType: 'auto', x: 260, y: 180, wires: [] },
  ]);
  await editor.deploy(tab);
  await editor.statusConnected(tab);
  await editor.debugSidebar(tab);
  await shot(tab, 'nat-editor');
  await alive(world);
}

/** look opens the device's page and what it leads to, on the phone. */
async function look(world) {
  const { page, t } = world;
  await page.bringToFront();
  await go(page, `${world.server.origin}/devices`);
  await page.getByRole('link', { name: t('devices.more'), exact: true }).click();
  await page.getByText(t('devices.deployed'), { exact: true }).waitFor();
  await page.getByText(t('devices.snapshot_now')).waitFor();
  await page.getByRole('button', { name: t('devices.log_show'), exact: true }).click();
  await page.getByText('tunnel to the platform is open').waitFor();
  await narrow(page);
  await page.screenshot({ path: join(root, 'e2e', 'screenshots', 'nat-device.png'), fullPage: true });
  await page.getByRole('link', { name: t('meter.title'), exact: true }).click();
  await page.getByText('press').first().waitFor();
  await narrow(page);
  await shot(page, 'nat-meter');
}

/**
 * visit opens the pages of the device's flows from its page: on an origin of their own, in which a page gets at nothing of
 * the editor; for a browser that is signed in, and for others once they are for everybody.
 */
async function visit(world) {
  const { page, t } = world;
  await go(page, `${world.server.origin}/devices`);
  await page.getByRole('link', { name: t('devices.more'), exact: true }).click();
  const [tab] = await Promise.all([world.context.waitForEvent('page'), page.getByRole('button', { name: t('devices.open_pages'), exact: true }).click()]);
  await tab.waitForURL(/^https:\/\/pi\.flows\.cloud\.example:8443\/$/);
  const at = new URL('/hello', tab.url()).href;
  await go(tab, at);
  await tab.getByText('live from home').waitFor();
  await tab.getByText('kept apart').waitFor();
  assert.equal(await tab.evaluate(() => innerWidth), 360);
  assert.equal(await tab.evaluate(() => document.cookie), '');
  await shot(tab, 'nat-pages');

  await world.context.clearCookies({ domain: 'pi.flows.cloud.example' }); // it is still signed in to the panel
  await go(tab, at);
  await tab.getByText('live from home').waitFor();
  assert.equal(tab.url(), at);

  const stranger = () => world.net.node('phone', `
    import https from 'node:https';
    import { readFileSync } from 'node:fs';
    const [, at, ca] = process.argv;
    https.get(at, { ca: readFileSync(ca), headers: { Accept: 'text/html' } }, (r) => { console.log(r.statusCode, r.headers.location); process.exit(0); });`, at, world.server.ca);
  assert.match(stranger(), /^303 https:\/\/cloud\.example:8443\/devices\/\S+\/pages\?to=%2Fhello/);
  await go(page, `${world.server.origin}/devices`);
  await page.getByLabel(t('devices.pages'), { exact: true }).selectOption('public');
  await page.getByText('https://pi.flows.cloud.example:8443/').waitFor();
  await narrow(page);
  await shot(page, 'nat-public');
  await state(world, true);
  for (const until = Date.now() + patience; !/^200/.test(stranger()); ) assert.ok(Date.now() < until, stranger());
  await tab.close();
}

/** narrow wants a page that doesn't scroll sideways. */
async function narrow(page) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(width <= 0, `the page scrolls sideways by ${width} px`);
}

/** alive wants the editor that was opened before to go on: what the flow says comes live, and its button works. */
async function alive(world) {
  const { tab } = world;
  await tab.bringToFront();
  await editor.loaded(tab);
  await tab.evaluate(() => { window.RED.debug?.clearMessageList(true); window.RED.sidebar.show('debug'); });
  await tab.locator('.red-ui-debug-msg', { hasText: /\d{13}/ }).first().waitFor();
  await editor.statusConnected(tab);
  await editor.pressById(tab, 'press');
  await tab.locator('.red-ui-debug-msg', { hasText: 'pressed from afar' }).first().waitFor();
  await shot(tab, 'nat-alive');
  await world.page.bringToFront();
}

async function api(world, method, path, body) {
  const answer = await world.page.evaluate(async ([method, path, body]) => {
    const r = await fetch('/api/v1' + path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    return { status: r.status, body: await r.json() };
  }, [method, path, body]);
  assert.ok(answer.status < 300, JSON.stringify(answer));
  return answer.body;
}
