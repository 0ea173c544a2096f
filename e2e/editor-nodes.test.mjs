// Every dialog of Node-RED's editor on a flow server of one's own: opened, changed, deployed, still so after a reload; and
// what stands around them. No page reports an error, in English and in Japanese.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { browser, freePorts, Process, shot, temporary } from './lib.mjs';
import { loaded } from './editor.mjs';

const word = { en: 'changed', ja: '変更後' };

for (const language of ['en', 'ja']) {
  test(`every dialog in ${language}`, async (t) => {
    const world = { name: `nodes-${language}`, language, word: word[language], faults: [] };
    try {
      await steps(t, world);
    } catch (error) {
      if (world.tab) await shot(world.tab, `${world.name}-failed`).catch(() => {});
      throw new Error(`${error.stack}\nthe page reported: ${world.faults.join('\n')}\nthe server printed: ${world.server?.text.slice(-2000)}`);
    } finally {
      await world.context?.close();
      await world.server?.stop();
    }
  });
}

async function steps(t, world) {
  await start(world);
  await t.test('a node is dragged from the palette', () => drag(world));
  await t.test('one node of each type is imported', () => importAll(world));
  await t.test('every dialog opens, and a change is taken', () => changeAll(world));
  await t.test('subflow and group', () => subflowAndGroup(world));
  await t.test('deployed and reloaded, every change is there', () => keep(world));
  await t.test('sidebars', () => sidebars(world));
  await t.test('search, export, settings', () => dialogs(world));
  assert.deepEqual(world.faults, [], 'what the page reported');
}

/** start signs the owner in on a new flow server. */
async function start(world) {
  const [port] = await freePorts(1);
  world.server = new Process(['flow', '--data', temporary(world.name), '--listen', `127.0.0.1:${port}`]);
  await world.server.prints(/ready/);
  world.context = await browser(null, { language: world.language, width: 1280 });
  const tab = world.tab = world.context.pages()[0] ?? await world.context.newPage();
  tab.setDefaultTimeout(10_000);
  tab.on('pageerror', (e) => world.faults.push(`${e.stack}`));
  tab.on('console', (m) => { if (m.type() === 'error') world.faults.push(`${m.text()} ${m.location().url}`); });
  tab.on('response', (r) => { if (r.status() >= 400) world.faults.push(`${r.status()} ${r.url()}`); });
  await tab.goto(/http:\/\/\S+\/welcome#code=\S+/.exec(world.server.text)[0]);
  await tab.locator('input[name=username]').fill('pi');
  await tab.locator('input[name=password]').fill('raspberry-umi-no-oto');
  await tab.locator('input[name=again]').fill('raspberry-umi-no-oto');
  await tab.locator('button').click();
  await loaded(tab);
  assert.equal(await tab.evaluate(() => document.documentElement.lang || window.RED.i18n.lang()).then((l) => l.slice(0, 2)), world.language);
}

async function drag({ tab }) {
  const from = await tab.locator('.red-ui-palette-node[data-palette-type=inject]').boundingBox();
  await tab.mouse.move(from.x + 30, from.y + 10);
  await tab.mouse.down();
  await tab.mouse.move(600, 500, { steps: 8 });
  await tab.mouse.up();
  await tab.waitForFunction(() => { let n = 0; window.RED.nodes.eachNode((x) => { n += x.type === 'inject'; }); return n === 1; });
}

/** importAll gives one node of each type, as a new one is, to the import dialog. */
async function importAll({ tab }) {
  const nodes = await tab.evaluate(() => {
    const made = [], configs = { 'mqtt-broker': { broker: 'localhost' }, 'websocket-listener': { path: '/w' }, 'websocket-client': { path: 'ws://localhost:9/w' }, 'http proxy': { url: 'http://localhost:9' } };
    for (const type of window.RED.nodes.registry.getNodeTypes()) {
      const def = window.RED.nodes.getType(type);
      if (['unknown', 'junction', 'group', 'subflow', 'tab'].includes(type) || type.startsWith('subflow:') || !def?.defaults) continue;
      const n = { id: `n${made.length}`, type };
      for (const [key, d] of Object.entries(def.defaults)) n[key] = typeof d.value === 'function' ? undefined : JSON.parse(JSON.stringify(d.value ?? ''));
      Object.assign(n, configs[type]);
      if (def.category !== 'config') Object.assign(n, { x: 140 + 180 * (made.length % 6), y: 60 + 50 * Math.floor(made.length / 6), wires: Array.from({ length: n.outputs ?? def.outputs ?? 0 }, () => []) });
      made.push(n);
    }
    return made;
  });
  assert.equal(nodes.length, 48, nodes.map((n) => n.type).join());
  await tab.evaluate(() => window.RED.actions.invoke('core:show-import-dialog'));
  await tab.locator('#red-ui-clipboard-dialog-import-text').fill(JSON.stringify(nodes));
  await tab.locator('#red-ui-clipboard-dialog-import-text').press('End'); // the dialog looks at what was typed with each key
  await tab.locator('#red-ui-clipboard-dialog-ok').click();
  await tab.mouse.move(700, 300);
  await tab.mouse.click(700, 300);
  await tab.waitForFunction((n) => { let all = 0; window.RED.nodes.eachNode(() => { all++; }); window.RED.nodes.eachConfig((c) => { all += c.type !== 'global-config' || 1; }); return all >= n; }, nodes.length);
}

/** each lists the nodes of the page as {id, type, config}. */
const each = (tab) => tab.evaluate(() => {
  const all = [];
  window.RED.nodes.eachNode((n) => { all.push({ id: n.id, type: n.type }); });
  window.RED.nodes.eachConfig((n) => { all.push({ id: n.id, type: n.type, config: true }); });
  return all;
});

async function changeAll(world) {
  const { tab } = world;
  world.changed = {};
  for (const n of await each(tab)) {
    try {
      await change(world, n);
    } catch (error) {
      throw new Error(`${n.type}: ${error.message}`);
    }
    assert.deepEqual(world.faults, [], `what the page reported with the dialog of ${n.type}`);
  }
}

/** change opens a node's dialog, goes through its tabs, gives the node another name or path, and presses Done. */
async function change(world, { id, type, config }) {
  const { tab } = world;
  await tab.evaluate(([id, config, type]) => { if (config) window.RED.editor.editConfig('', type, id); else window.RED.editor.edit(window.RED.nodes.node(id)); }, [id, config, type]);
  const tray = tab.locator('.red-ui-tray').last();
  const prefix = config ? 'node-config' : 'node';
  const done = tab.locator(config ? '#node-config-dialog-ok' : '#node-dialog-ok');
  await done.waitFor();
  const field = type.startsWith('websocket-') ? 'path' : 'name';
  const input = tray.locator(`#${prefix}-input-${field}`);
  if (type === 'global-config') {
    await tray.locator('.red-ui-editableList-addButton').first().click();
    await tray.locator('.node-input-env-name').first().fill('CHANGED');
  } else {
    await input.fill(field === 'path' ? (type.endsWith('client') ? 'ws://localhost:9/changed' : '/changed') : `${world.word} ${id}`);
    world.changed[id] = await input.inputValue();
  }
  for (const at of await tray.locator('.red-ui-tray-body .red-ui-tabs > li.red-ui-tab:visible').all()) await at.click();
  await done.click();
  await done.waitFor({ state: 'detached' });
}

async function subflowAndGroup(world) {
  const { tab } = world;
  await tab.evaluate(() => {
    const list = [];
    window.RED.nodes.eachNode((n) => { if (['change', 'range'].includes(n.type)) list.push(n); });
    window.RED.view.select({ nodes: list });
    window.RED.actions.invoke('core:group-selection');
    const group = window.RED.nodes.groups(window.RED.workspaces.active())[0];
    window.RED.view.select({ nodes: [group] });
    window.RED.editor.editGroup(group);
  });
  await tab.locator('#node-input-name').fill(`${world.word} group`);
  await tab.locator('#node-dialog-ok').click();
  await tab.locator('#node-dialog-ok').waitFor({ state: 'detached' });
  await tab.evaluate(() => {
    let one;
    window.RED.nodes.eachNode((n) => { if (n.type === 'template') one = n; });
    window.RED.view.select({ nodes: [one] });
    window.RED.actions.invoke('core:convert-to-subflow');
    let sub;
    window.RED.nodes.eachSubflow((s) => { sub = s; });
    window.RED.editor.editSubflow(sub);
  });
  await tab.locator('#subflow-input-name').fill(`${world.word} subflow`);
  await tab.locator('#node-dialog-ok').click();
  await tab.locator('#node-dialog-ok').waitFor({ state: 'detached' });
  await tab.evaluate(() => {
    let one;
    window.RED.nodes.eachNode((n) => { if (n.type.startsWith('subflow:')) one = n; });
    window.RED.editor.edit(one);
  });
  await tab.locator('#node-input-name').fill(`${world.word} instance`);
  await tab.locator('#node-dialog-ok').click();
  await tab.locator('#node-dialog-ok').waitFor({ state: 'detached' });
}

async function keep(world) {
  const { tab } = world;
  const answer = tab.waitForResponse((r) => new URL(r.url()).pathname.endsWith('/flows') && r.request().method() === 'POST');
  await tab.locator('#red-ui-header-button-deploy').click();
  await tab.locator('#node-dialog-confirm-deploy-deploy').or(tab.locator('.red-ui-notification button.primary')).first().click({ timeout: 3000 }).catch(() => {});
  assert.equal((await answer).status(), 200);
  await tab.waitForFunction(() => !window.RED.nodes.dirty());
  await tab.reload();
  await loaded(tab);
  const now = await tab.evaluate(() => {
    const all = { groups: window.RED.nodes.groups(window.RED.workspaces.active()).map((g) => g.name) };
    window.RED.nodes.eachNode((n) => { all[n.id] = n.name; all[n.type] = true; });
    window.RED.nodes.eachConfig((n) => { all[n.id] = n.path && n.type.startsWith('websocket-') ? n.path : n.name; if (n.type === 'global-config') all.env = n.env; });
    window.RED.nodes.eachSubflow((s) => { all.subflow = s.name; });
    return all;
  });
  for (const [id, name] of Object.entries(world.changed)) assert.equal(now[id], name);
  assert.deepEqual(now.groups, [`${world.word} group`]);
  assert.equal(now.subflow, `${world.word} subflow`);
  assert.equal(now.env[0].name, 'CHANGED');
}

async function sidebars(world) {
  const { tab } = world;
  for (const id of ['info', 'help', 'config', 'context', 'debug']) {
    await tab.evaluate((id) => window.RED.sidebar.show(id), id);
    await tab.locator('#red-ui-sidebar-content > div:visible').first().waitFor();
  }
}

async function dialogs(world) {
  const { tab } = world;
  await tab.evaluate(() => window.RED.actions.invoke('core:search'));
}
