// Parts of the panel that don't come at first, on the real server: the network is gone for a moment, or the server was
// updated. What was typed stays, and nobody who is leaving is held back.
import { after, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { browser, serve, shot, temporary, texts } from './lib.mjs';
import { becomeOwner } from './panel.mjs';

const world = { name: 'parts', data: temporary('parts'), language: 'en', width: 360, t: texts('en') };
const { t } = world;
const flows = '**/assets/FlowsPage-*.js';
const typed = 'a name that took long to think of';

before(async () => {
  world.server = await serve(world.data);
  world.ownerLink = /https:\/\/\S+\/welcome#token=\S+/.exec(world.server.text)[0];
  world.context = await browser(world.server.ca, world);
  world.page = world.context.pages()[0] ?? await world.context.newPage();
  await becomeOwner(world);
});

after(async () => {
  await world.context?.close();
  await world.server?.stop();
});

// A form is open in a page that can be told from the same one loaded anew.
beforeEach(async () => {
  await world.page.unrouteAll();
  const browsing = await world.context.newCDPSession(world.page);
  await browsing.send('Network.clearBrowserCache'); // parts that came in an earlier test
  await browsing.detach();
  await world.page.goto(`${world.server.origin}/instances/new`);
  await world.page.evaluate(() => { sessionStorage.clear(); window.same = true; });
  await name().waitFor();
});

const name = () => world.page.getByLabel(t('instance.name'));
const toFlows = () => world.page.locator('nav').getByRole('link', { name: t('nav.flows') }).click();
const there = () => world.page.getByRole('heading', { level: 1, name: t('flows.title') }).waitFor();
const same = () => world.page.evaluate(() => window.same === true);

/** updated has the server answer as after an update: the first page names other parts, and some of ours are gone. */
async function updated(gone = flows) {
  await world.page.route(gone, (route) => route.fulfill({ status: 404 }));
  await world.page.route(`${world.server.origin}/`, (route) => route.fulfill({ contentType: 'text/html', body: '<script type="module" src="/assets/index-new.js"></script>' }));
}

test('a part that fails at first is asked for again', async () => {
  let asked = 0;
  await world.page.route(flows, (route) => (++asked <= 2 ? route.abort() : route.continue()));
  await name().fill(typed);
  await toFlows();
  await there();
  assert.ok(asked > 2 && await same(), `asked ${asked} times; the page is ${await same() ? 'the same' : 'loaded anew'}`);
});

test('a part comes with its style sheet, even if that failed at first', async () => {
  let asked = 0;
  const sheet = '**/assets/FlowsPage-*.css';
  await world.page.route(sheet, (route) => (++asked <= 2 ? route.abort() : route.continue()));
  await toFlows();
  await there();
  const styled = await world.page.evaluate(() => [...document.styleSheets].some((one) => one.href?.includes('/FlowsPage-') && one.cssRules.length > 0));
  assert.ok(asked > 2 && styled && await same(), `asked ${asked} times; styled: ${styled}`);
});

test('without a network what was typed stays, and the part comes once there is one', async () => {
  await name().fill(typed);
  await world.context.setOffline(true);
  try {
    await toFlows();
    await world.page.getByText(t('parts.away')).waitFor();
    assert.equal(await name().inputValue(), typed);
    await shot(world.page, 'parts-1-away');
  } finally {
    await world.context.setOffline(false);
  }
  await there();
  await world.page.getByText(t('parts.away')).waitFor({ state: 'detached' });
  assert.ok(await same());
});

test('after an update the page is loaded anew, unless something typed would be lost', async () => {
  await updated();
  await name().fill(typed);
  await toFlows();
  await world.page.getByText(t('parts.outdated')).waitFor();
  assert.ok(await same());
  assert.equal(await name().inputValue(), typed);
  await shot(world.page, 'parts-2-outdated');
  await world.page.unrouteAll();
  await world.page.getByRole('button', { name: t('parts.renew'), exact: true }).click();
  await there();
  assert.ok(!await same());
});

test('after an update the page is loaded anew by itself where nothing was typed', async () => {
  await updated();
  const document = world.page.waitForRequest((request) => request.resourceType() === 'document');
  await toFlows();
  await document;
  await world.page.unrouteAll();
  await there();
});
