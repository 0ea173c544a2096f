// Every dialog of Node-RED's editor on a flow server of one's own: opened, changed, deployed, still so after a reload; and
// what stands around them. No page reports an error, in English and in Japanese.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { browser, freePorts, go, Process, shot, temporary } from './lib.mjs';
import { loaded } from './editor.mjs';

const word = { en: 'changed', ja: '変更後' };

describe('the editor', { concurrency: true }, () => ['en', 'ja'].forEach((language) => {
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
}));

async function steps(t, world) {
  await start(world);
  await t.test('a node is dragged from the palette', () => drag(world));
  await t.test('one node of each type is imported', () => importAll(world));
  await t.test('every dialog opens, and a change is taken', () => changeAll(world));
  await t.test('subflow and group', () => subflowAndGroup(world));
  await t.test('an environment for all flows', () => environment(world));
  await t.test('deployed and reloaded, every change is there', () => keep(world));
  await t.test('sidebars', () => sidebars(world));
  await t.test('search, export, settings', () => dialogs(world));
  assert.deepEqual(world.faults, [], 'what the page reported');
}

/** start signs the owner in on a new flow server. */
async function start(world) {
  const [port] = await freePorts(1);
  world.server = new Process(['flow', '--data', temporary(world.name), '--listen', `127.0.0.1:${port}`]);
  await world.server.prints(/^ready$/m);
  world.context = await browser(null, { language: world.language, width: 1280 });
  const tab = world.tab = world.context.pages()[0] ?? await world.context.newPage();
  tab.on('pageerror', (e) => world.faults.push(`${e.stack}`));
  tab.on('console', (m) => { if (m.type() === 'error') world.faults.push(`${m.text()} ${m.location().url}`); });
  tab.on('response', (r) => { if (r.status() >= 400) world.faults.push(`${r.status()} ${r.url()}`); });
  await tab.addInitScript(() => { // what slides and fades does so at once: a hundred dialogs are opened
    const later = window.setTimeout;
    window.setTimeout = (f, ms, ...rest) => later(f, ms >= 50 && ms <= 300 ? 5 : ms, ...rest);
    document.addEventListener('DOMContentLoaded', () => {
      document.head.append(Object.assign(document.createElement('style'), { textContent: '* { transition: none !important; animation: none !important; }' }));
      if (window.jQuery) window.jQuery.fx.off = true;
    });
  });
  await go(tab, /http:\/\/\S+\/welcome#code=\S+/.exec(world.server.text)[0]);
  await tab.locator('input[name=username]').fill('pi');
  await tab.locator('input[name=password]').fill('raspberry-umi-no-oto');
  await tab.locator('input[name=again]').fill('raspberry-umi-no-oto');
  await tab.locator('button').click();
  await loaded(tab);
  assert.equal(await tab.evaluate(() => window.RED.i18n.lang()).then((l) => l.slice(0, 2)), world.language);
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
      if (['unknown', 'junction', 'group', 'subflow', 'tab', 'global-config'].includes(type) || type.startsWith('subflow:') || !def?.defaults) continue;
      const n = { id: `n${made.length}`, type };
      for (const [key, d] of Object.entries(def.defaults)) n[key] = typeof d.value === 'function' ? undefined : JSON.parse(JSON.stringify(d.value ?? ''));
      Object.assign(n, configs[type]);
      if (def.category !== 'config') Object.assign(n, { x: 140 + 180 * (made.length % 6), y: 60 + 50 * Math.floor(made.length / 6), wires: Array.from({ length: n.outputs ?? def.outputs ?? 0 }, () => []) });
      made.push(n);
    }
    return made;
  });
  assert.equal(nodes.length, 47, nodes.map((n) => n.type).join());
  await tab.evaluate(() => window.RED.actions.invoke('core:show-import-dialog'));
  await tab.locator('#red-ui-clipboard-dialog-import-text').fill(JSON.stringify(nodes));
  await tab.locator('#red-ui-clipboard-dialog-import-text').press('End'); // the dialog looks at what was typed with each key
  await tab.locator('#red-ui-clipboard-dialog-ok').click();
  await tab.locator('.ui-dialog:visible').waitFor({ state: 'detached' }).catch(() => {});
  await tab.mouse.move(600, 300, { steps: 3 }); // they hang at the pointer
  await tab.mouse.click(600, 300);
  await tab.waitForFunction(() => window.RED.view.state() === window.RED.state.DEFAULT);
  assert.equal((await each(tab)).length, nodes.length + 1, 'nodes in the editor');
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
  world.changed[id] = await tab.evaluate(async ([id, type, config, word]) => {
    const { RED, $ } = window;
    const until = async (what, f) => {
      for (const end = Date.now() + 60_000; Date.now() < end;) {
        const got = f();
        if (got) return got;
        await new Promise((done) => { setTimeout(done, 10); });
      }
      throw new Error(`waited for ${what}`);
    };
    if (config) RED.editor.editConfig('', type, id); else RED.editor.edit(RED.nodes.node(id));
    const done = await until('the button Done', () => document.getElementById(config ? 'node-config-dialog-ok' : 'node-dialog-ok'));
    const tray = done.closest('.red-ui-tray');
    const field = type.startsWith('websocket-') ? 'path' : 'name';
    const input = await until('the field', () => tray.querySelector(`#${config ? 'node-config' : 'node'}-input-${field}`));
    const value = field === 'name' ? `${word} ${id}` : type.endsWith('client') ? 'ws://localhost:9/changed' : '/changed';
    $(input).val(value).trigger('keyup').trigger('change');
    for (const at of tray.querySelectorAll('.red-ui-tray-body li.red-ui-tab > a')) {
      at.click();
      await new Promise((done) => { setTimeout(done); });
    }
    for (const list of $(tray).find('.red-ui-tray-body select:visible').get()) { // each choice shows other fields
      const before = list.value;
      for (const option of list.options) $(list).val(option.value).trigger('change');
      $(list).val(before).trigger('change');
    }
    await until('the dialog', () => !tray.classList.contains('red-ui-tray-hidden') && $(done).is(':enabled'));
    done.click();
    await until('the end of the dialog', () => !document.contains(tray) && !document.querySelector('.red-ui-tray'));
    return value;
  }, [id, type, config, world.word]);
}

async function subflowAndGroup(world) {
  const { tab } = world;
  await tab.evaluate(() => {
    window.RED.view.state(window.RED.state.DEFAULT); // a config node that was opened by itself leaves it at editing
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

/** environment gives all flows a variable, in the settings: it is kept in a global-config node. */
async function environment({ tab }) {
  await tab.evaluate(() => window.RED.actions.invoke('core:show-global-env'));
  const tray = tab.locator('.red-ui-tray').last();
  await tray.locator('.red-ui-editableList-addButton:visible').first().click();
  await tray.locator('.node-input-env-name:visible').first().fill('CHANGED');
  await tab.evaluate(() => window.jQuery('.node-input-env-name').trigger('change'));
  await tab.locator('#node-dialog-ok, .red-ui-tray button.primary').last().click();
  await tab.locator('.red-ui-tray').waitFor({ state: 'detached' });
}

async function keep(world) {
  const { tab } = world;
  await press(world);
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
  assert.equal(now.env?.[0].name, 'CHANGED');
}

/** sidebars shows each tab with something in it: help of every type, a debug message, a context value. */
async function sidebars(world) {
  const { tab } = world;
  for (const id of ['info', 'help', 'config', 'context', 'debug']) {
    await tab.evaluate((id) => window.RED.sidebar.show(id), id);
    await tab.waitForFunction((id) => window.jQuery(`#red-ui-sidebar-tab-content-${id}, .red-ui-sidebar-content > div`).filter(':visible').length > 0, id);
  }
  const helped = await tab.evaluate(() => {
    window.RED.sidebar.show('help');
    return window.RED.nodes.registry.getNodeTypes().filter((type) => { window.RED.sidebar.help.show(type, true); return window.RED.nodes.getNodeHelp(type); }).length;
  });
  assert.ok(helped >= 45, `help of ${helped} types`);
  await tab.evaluate(() => window.RED.actions.invoke('core:show-context-tab'));
  await tab.evaluate(() => window.RED.actions.invoke('core:show-debug-tab'));
  await tab.evaluate(async () => {
    const made = window.RED.nodes.import([
      { id: 'i', type: 'inject', z: window.RED.workspaces.active(), name: 'go', props: [{ p: 'payload' }], payload: 'seen in the sidebar', payloadType: 'str', repeat: '', crontab: '', once: false, onceDelay: 0.1, topic: '', x: 100, y: 600, wires: [['d']] },
      { id: 'd', type: 'debug', z: window.RED.workspaces.active(), name: 'shown', active: true, tosidebar: true, console: false, tostatus: true, complete: 'payload', targetType: 'msg', statusVal: 'payload', statusType: 'auto', x: 300, y: 600, wires: [] },
    ], { generateIds: true, addFlow: false }).nodes;
    made.forEach((n) => { n.changed = true; });
    window.RED.nodes.dirty(true);
    window.made = made[0].id;
  });
  await press(world);
  const { status } = await tab.evaluate(async () => ({ status: (await fetch(`inject/${window.made}`, { method: 'POST', headers: { Authorization: `Bearer ${window.RED.settings.get('auth-tokens').access_token}` } })).status }));
  assert.equal(status, 200);
  await tab.locator('.red-ui-debug-msg', { hasText: 'seen in the sidebar' }).first().waitFor();
}

/** press deploys, and says yes where the editor asks because of nodes that aren't filled in. */
async function press({ tab }) {
  const answer = tab.waitForResponse((r) => new URL(r.url()).pathname.endsWith('/flows') && r.request().method() === 'POST');
  await tab.locator('#red-ui-header-button-deploy').click();
  const asked = tab.locator('.red-ui-notification button.primary').first();
  if (await Promise.race([answer.then(() => false), asked.waitFor().then(() => true, () => false)])) await asked.click();
  assert.equal((await answer).status(), 200);
  await tab.waitForFunction(() => !window.RED.nodes.dirty());
}

/** dialogs opens what the menu has. */
async function dialogs({ tab }) {
  const act = (name) => tab.evaluate((name) => window.RED.actions.invoke(name), name);
  await act('core:search');
  await tab.locator('#red-ui-search input').first().pressSequentially('mqtt');
  await tab.locator('#red-ui-search ol li').nth(2).waitFor();
  await tab.keyboard.press('Escape');
  await act('core:show-export-dialog');
  await tab.locator('#red-ui-clipboard-dialog-export-rng-full').click();
  await tab.waitForFunction(() => (window.jQuery('#red-ui-clipboard-dialog-export-text').val() || '').includes('mqtt-broker') || window.jQuery('#red-ui-clipboard-dialog-export-tab-clipboard-preview-list').children().length > 0);
  await tab.locator('#red-ui-clipboard-dialog-cancel').click();
  await act('core:show-examples-import-dialog');
  await tab.locator('#red-ui-clipboard-dialog .red-ui-treeList-label').first().waitFor({ state: 'attached' });
  await tab.locator('#red-ui-clipboard-dialog-cancel').click();
  await act('core:show-user-settings');
  await tab.locator('.red-ui-tray .red-ui-settings-row').first().waitFor();
  await tab.evaluate(() => document.querySelectorAll('.red-ui-tray li.red-ui-tab > a').forEach((a) => a.click()));
  await tab.locator('#node-dialog-ok, .red-ui-tray button.primary').last().click();
  await tab.locator('.red-ui-tray').waitFor({ state: 'detached' });
  for (const name of ['core:show-event-log', 'core:show-keyboard-settings', 'core:list-flows', 'core:show-action-list', 'core:show-system-info', 'core:show-about', 'core:list-modified-nodes', 'core:zoom-in', 'core:zoom-reset']) await act(name);
}
