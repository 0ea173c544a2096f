// The steps in Node-RED's editor: the hosted flow server and the one on the Raspberry Pi.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connections, listens, mosquitto } from './panel.mjs';
import { go, patience, shot } from './lib.mjs';

/** Flow server, editor: made with one click in the panel, signed in without a second password. */
export async function hosted(world) {
  const { page, t } = world;
  await go(page, `${world.server.origin}/flows`);
  await page.getByRole('button', { name: t('flows.create'), exact: true }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: t('flows.create'), exact: true }).click();
  const open = page.getByRole('button', { name: t('flows.open'), exact: true });
  await open.and(page.locator(':enabled')).waitFor();
  await shot(page, `${world.name}-6-flows`);
  const [tab] = await Promise.all([world.context.waitForEvent('page'), open.click()]);
  world.hosted = tab;
  await tab.waitForURL(/edit-.*\.flows\.localhost/);
  await loaded(tab);
  assert.ok(!tab.url().includes('code='), 'the code is gone from the address');
  await tab.evaluate(() => localStorage.clear()); // a browser that isn't signed in to the editor goes by the panel
  await Promise.all([tab.waitForURL(/\/flow-servers\/.*\/open/), tab.evaluate(() => { location.reload(); })]);
  await tab.waitForURL(/edit-.*\.flows\.localhost/);
  await loaded(tab);
  await tab.setViewportSize({ width: 1280, height: 800 }); // the editor is made for a desk
  await importFlow(tab, [
    { id: 'in1', type: 'mqtt in', name: '', topic: 'test', qos: '1', datatype: 'auto-detect', broker: '', nl: false, rap: true, rh: 0, inputs: 0, x: 160, y: 100, wires: [['dbg1']] },
    { id: 'dbg1', type: 'debug', name: 'seen', active: true, tosidebar: true, console: false, tostatus: false, complete: 'payload', targetType: 'msg', statusVal: '', statusType: 'auto', x: 380, y: 100, wires: [] },
  ]);
  await setBroker(tab, 'mqtt in', { server: 'localhost', port: world.server.mqtts, user: world.instance, password: world.password }, `${world.name}-6`);
  await deploy(tab);
  await statusConnected(tab);
  await debugSidebar(tab);
  await listens(world, (c) => !c.web);
  await mosquitto(world, 'pub', world.instance, world.password, ['-t', 'test', '-m', 'to the hosted flow', '-q', '1']);
  await tab.locator('.red-ui-debug-msg', { hasText: 'to the hosted flow' }).first().waitFor();
  await shot(tab, `${world.name}-6-editor`);
}

/** A user of its own for the hosted flow, filled in with one click: it connects with no word typed. */
export async function filledIn(world) {
  const tab = world.hosted;
  await tab.evaluate(() => {
    let found;
    window.RED.nodes.eachNode((n) => { if (n.type === 'mqtt in') found = n; });
    window.RED.editor.edit(found);
  });
  await tab.locator('#node-input-broker').selectOption('_ADD_');
  await tab.locator('#node-input-btn-broker-add').click();
  await tab.locator('#tsunagi-instance-fill:enabled').click();
  await tab.waitForFunction(() => /:flow-/.test(document.querySelector('#node-config-input-user')?.value ?? ''));
  assert.equal(await tab.locator('#node-config-input-port').inputValue(), String(world.server.mqtts));
  assert.ok(await tab.locator('#node-config-input-usetls').isChecked());
  await shot(tab, `${world.name}-6-filled-in`);
  await tab.locator('#node-config-dialog-ok').click();
  await tab.locator('#node-dialog-ok').click();
  await deploy(tab);
  await listens(world, (c) => c.user.startsWith('flow-'));
  await statusConnected(tab);
  await mosquitto(world, 'pub', world.instance, world.password, ['-t', 'test', '-m', 'to a user of its own', '-q', '1']);
  await tab.locator('.red-ui-debug-msg', { hasText: 'to a user of its own' }).first().waitFor();
}

/** The second flow server, with a login of its own and the authority's certificate in a tls-config node. */
export async function pi(world) {
  const link = /http:\/\/\S+\/welcome#code=\S+/.exec(world.pi.text)[0];
  const tab = await world.context.newPage();
  await tab.setViewportSize({ width: 1280, height: 800 });
  await go(tab, link);
  await tab.locator('input[name=username]').fill('pi');
  await tab.locator('input[name=password]').fill('raspberry-umi-no-oto');
  await tab.locator('input[name=again]').fill('raspberry-umi-no-oto');
  await shot(tab, `${world.name}-7-welcome`);
  await tab.locator('button').click();
  await loaded(tab);
  await importFlow(tab, [
    { id: 'inj1', type: 'inject', name: 'now', props: [{ p: 'payload' }, { p: 'topic', vt: 'str' }], repeat: '', crontab: '', once: false, onceDelay: 0.1, topic: '', payload: '', payloadType: 'date', x: 120, y: 80, wires: [['out1']] },
    { id: 'out1', type: 'mqtt out', name: '', topic: 'test', qos: '1', retain: '', respTopic: '', contentType: '', userProps: '', correl: '', expiry: '', broker: 'brk1', x: 320, y: 80, wires: [] },
    { id: 'in2', type: 'mqtt in', name: '', topic: 'test', qos: '1', datatype: 'auto-detect', broker: 'brk1', nl: false, rap: true, rh: 0, inputs: 0, x: 120, y: 160, wires: [['dbg2']] },
    { id: 'dbg2', type: 'debug', name: 'seen here', active: true, tosidebar: true, console: false, tostatus: false, complete: 'payload', targetType: 'msg', statusVal: '', statusType: 'auto', x: 320, y: 160, wires: [] },
    { id: 'tls1', type: 'tls-config', name: 'our authority', cert: '', key: '', ca: '', certname: '', keyname: '', caname: 'ca.pem', servername: '', verifyservercert: true, alpnprotocol: '', credentials: { cadata: readFileSync(world.server.ca, 'utf8') } },
    { id: 'brk1', type: 'mqtt-broker', name: '', broker: 'localhost', port: String(world.server.mqtts), tls: 'tls1', clientid: '', autoConnect: true, usetls: true, protocolVersion: '5', keepalive: '60', cleansession: true, autoUnsubscribe: true, birthTopic: '', closeTopic: '', willTopic: '', userProps: '', sessionExpiry: '', credentials: { user: world.instance, password: world.password } },
  ]);
  await deploy(tab);
  await statusConnected(tab);
  await debugSidebar(tab);
  const heard = mosquitto(world, 'sub', world.instance, world.password, ['-t', 'test', '-C', '1', '-W', '80', '-i', 'heard']);
  await go(world.page, `${world.server.origin}/instances/${world.instance}/client`);
  await world.page.getByText(world.t('client.connected')).first().waitFor();
  await world.page.getByRole('button', { name: world.t('client.subscribe'), exact: true }).click();
  await world.page.locator('section', { has: world.page.getByRole('heading', { name: world.t('client.subscriptions') }) }).getByRole('listitem').first().waitFor();
  await listens(world, (c) => c.client_id === 'heard');
  await connections(world, 'hosted flow, Pi and mosquitto_sub', (all) => all.filter((c) => !c.web && c.subscriptions > 0).length === 3);
  await press(tab, 'now');
  const line = tab.locator('.red-ui-debug-msg', { hasText: /\d{13}/ }).first();
  await line.waitFor();
  const stamp = /\d{13}/.exec(await line.innerText())[0];
  assert.match((await heard).out, new RegExp(stamp), 'mosquitto_sub has the timestamp');
  await world.hosted.locator('.red-ui-debug-msg', { hasText: stamp }).first().waitFor();
  await world.page.locator('li.in', { hasText: stamp }).waitFor();
  await shot(tab, `${world.name}-7-pi`);
  await shot(world.hosted, `${world.name}-7-hosted`);
  await shot(world.page, `${world.name}-7-client`);
}

/** loaded waits until the editor can be used. */
export async function loaded(tab) {
  await tab.locator('#red-ui-header-button-deploy').waitFor();
  await tab.waitForFunction(() => window.RED?.workspaces?.active?.() && !document.querySelector('.red-ui-loader:not(.hide) .red-ui-loading-bar'), null, { timeout: patience }).catch(() => {});
  await tab.locator('.red-ui-palette-node[data-palette-type=debug]').waitFor();
}

/** importFlow brings nodes into the open tab, as the import dialog does. */
export async function importFlow(tab, nodes) {
  await tab.evaluate((nodes) => {
    const z = window.RED.workspaces.active();
    const placed = nodes.map((n) => ('x' in n ? { ...n, z } : n));
    const { nodes: made } = window.RED.nodes.import(placed, { generateIds: true, addFlow: false });
    made.forEach((n) => { n.changed = true; n.dirty = true; });
    window.RED.nodes.dirty(true);
    window.RED.view.redraw(true);
  }, nodes);
}

/** setBroker opens the node's dialog and makes its broker on the tabs Connection and Security. */
async function setBroker(tab, type, { server, port, user, password }, name) {
  const id = await tab.evaluate((type) => {
    let found;
    window.RED.nodes.eachNode((n) => { if (n.type === type) found = n; });
    window.RED.editor.edit(found);
    return found.id;
  }, type);
  assert.ok(id);
  await tab.locator('#node-input-btn-broker-add').click();
  await tab.locator('#node-config-input-broker').fill(server);
  await tab.locator('#node-config-input-port').fill(String(port));
  await tab.locator('#node-config-input-usetls').check();
  await shot(tab, `${name}-connection`);
  await tab.locator('#red-ui-tab-mqtt-broker-tab-security a, [id="node-config-mqtt-broker-tabs"] li').nth(1).click();
  await tab.locator('#node-config-input-user').fill(user);
  await tab.locator('#node-config-input-password').fill(password);
  await shot(tab, `${name}-security`);
  await tab.locator('#node-config-dialog-ok').click();
  await tab.locator('#node-dialog-ok').click();
}

/** deploy presses Deploy and waits for the answer. */
export async function deploy(tab) {
  const [answer] = await Promise.all([
    tab.waitForResponse((r) => new URL(r.url()).pathname.endsWith('/flows') && r.request().method() === 'POST'),
    tab.locator('#red-ui-header-button-deploy').click(),
  ]);
  assert.equal(answer.status(), 200, await answer.text());
}

/** statusConnected waits until every mqtt node shows the dot of a connection. */
export async function statusConnected(tab, timeout = patience) {
  await tab.waitForFunction(() => {
    let all = true, some = false;
    window.RED.nodes.eachNode((n) => { if (n.type.startsWith('mqtt')) { some = true; all &&= n.status?.fill === 'green'; } });
    return some && all;
  }, null, { timeout });
}

export async function debugSidebar(tab) {
  await tab.evaluate(() => window.RED.sidebar.show('debug'));
}

/** pressById presses the button of an inject node wherever it is on the page, as on a phone whose panels cover it. */
export async function pressById(tab, name) {
  await tab.locator('.red-ui-flow-node', { hasText: name }).locator('.red-ui-flow-node-button-button').first().dispatchEvent('click');
}

/** press presses the button of an inject node. */
async function press(tab, name) {
  await tab.locator('.red-ui-flow-node', { hasText: name }).locator('.red-ui-flow-node-button-button').first().click();
}
