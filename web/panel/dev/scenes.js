// The pages and states that browser.js looks at.
const id = 'kqzvbnta';
const button = (page, ...names) => page.getByRole('button', { name: new RegExp(`^(${names.join('|')})$`) });

export const scenes = [
  { name: 'sign-in', path: '/sign-in', mock: { signedIn: false } },
  { name: 'sign-in-refused', path: '/sign-in', mock: { signedIn: false }, act: refused },
  { name: 'no-owner', path: '/sign-in', mock: { signedIn: false, owner: false } },
  { name: 'welcome', path: '/welcome#token=once', mock: { signedIn: false, owner: false } },
  { name: 'invitation', path: '/invitation#token=once', mock: { signedIn: false }, act: (page) => page.getByRole('button', { name: /Create account|アカウントを作成/ }).waitFor() },
  { name: 'instances', path: '/', act: (page) => page.getByText('Greenhouse').waitFor() },
  { name: 'instances-empty', path: '/', mock: { empty: true } },
  { name: 'create', path: '/instances/new', act: (page) => page.getByRole('radio').first().waitFor() },
  { name: 'details', path: `/instances/${id}?first=1` },
  { name: 'details-in-pages', path: `/instances/${id}`, full: false, mock: { inPages: true }, act: (page) => page.getByText('status.greenhouse.example').waitFor() },
  { name: 'details-move', path: `/instances/${id}`, full: false, act: (page) => button(page, 'Move', '移す').scrollIntoViewIfNeeded() },
  { name: 'details-reveal', path: `/instances/${id}`, full: false, act: reveal },
  { name: 'details-delete', path: `/instances/${id}`, full: false, act: (page) => button(page, 'Delete instance', 'インスタンスを削除').click() },
  { name: 'details-phone', path: `/instances/${id}`, full: false, act: phone },
  { name: 'details-hosts', path: `/instances/${id}`, act: hostNames },
  { name: 'details-hosts-none', path: `/instances/${id}`, mock: { bare: true }, act: (page) => button(page, 'Add a host name', 'ホスト名を追加').waitFor() },
  { name: 'details-hosts-add', path: `/instances/${id}`, full: false, act: (page) => button(page, 'Add a host name', 'ホスト名を追加').click() },
  { name: 'users', path: `/instances/${id}/users`, act: (page) => page.getByText('old-phone').waitFor() },
  { name: 'users-delete', path: `/instances/${id}/users`, full: false, act: chooseUsers },
  { name: 'users-create', path: `/instances/${id}/users`, full: false, act: createUser },
  { name: 'import', path: `/instances/${id}/import`, act: importUsers },
  { name: 'user', path: `/instances/${id}/users/greenhouse`, act: (page) => page.getByText('greenhouse/secret/#').waitFor() },
  { name: 'user-stale', path: `/instances/${id}/users/greenhouse`, act: staleNote },
  { name: 'client', path: `/instances/${id}/client?first=1`, act: talk },
  { name: 'client-replay', path: `/instances/${id}/client`, act: replay },
  { name: 'client-topics', path: `/instances/${id}/client?view=topics`, act: talkTree },
  { name: 'connections', path: `/instances/${id}/connections` },
  { name: 'topics', path: `/instances/${id}/topics?topic=house-0/kitchen/temperature`, act: (page) => page.waitForTimeout(3500) },
  { name: 'topics-many', path: `/instances/${id}/topics?query=roof`, mock: { topics: 10_000 }, act: (page) => page.getByRole('treeitem').first().waitFor() },
  { name: 'retained', path: `/instances/${id}/retained`, act: (page) => page.getByText('greenhouse/temperature').waitFor() },
  { name: 'retained-expiry', path: `/instances/${id}/retained`, full: false, act: (page) => button(page, 'Change times', '期限を変更').click() },
  { name: 'why', path: `/instances/${id}/why?user=greenhouse&action=publish&topic=house/door`, act: (page) => page.getByText('house/door').last().waitFor() },
  { name: 'addresses', path: `/instances/${id}/addresses`, act: (page) => page.getByText('203.0.113.77').first().waitFor() },
  {
    name: 'addresses-change',
    path: `/instances/${id}/addresses`,
    full: false,
    act: async (page) => {
      await page.getByRole('button', { name: /^Change |を変更$/ }).first().click();
      await page.getByRole('dialog').getByText(/Change the rule|ルールを変更/).waitFor();
    },
  },
  {
    name: 'logins-page-script',
    path: `/instances/${id}/logins`,
    act: async (page) => {
      await page.getByText(/HTML for a page|ページに書く HTML/).first().click();
      await page.getByText('mqtt.connect').first().waitFor();
    },
  },
  { name: 'logins', path: `/instances/${id}/logins`, act: (page) => page.getByText('ESP32 on the roof').waitFor() },
  { name: 'connections-many', path: `/instances/${id}/connections`, full: false, mock: { many: true }, act: (page) => page.getByText('sensor-00049').waitFor() },
  { name: 'connections-away', path: `/instances/${id}/connections?view=away`, act: (page) => page.getByText('old-phone').first().waitFor() },
  { name: 'connections-client', path: `/instances/${id}/connections`, full: false, act: clientDetails },
  { name: 'client-undo', path: `/instances/${id}/client?first=1`, full: false, act: clearUndone },
  { name: 'connections-empty', path: `/instances/${id}/connections`, mock: { empty: false }, act: nobody },
  { name: 'history', path: `/instances/${id}/history?topic=greenhouse/temperature`, act: (page) => page.getByText('esp32-roof').first().waitFor() },
  { name: 'history-empty', path: `/instances/${id}/history`, mock: { bare: true } },
  { name: 'history-choose', path: `/instances/${id}/history`, full: false, mock: { bare: true }, act: (page) => button(page, 'Choose topics', 'トピックを選ぶ').click() },
  { name: 'hooks', path: `/instances/${id}/hooks`, act: (page) => page.getByText('Too hot').waitFor() },
  { name: 'hooks-empty', path: `/instances/${id}/hooks`, mock: { bare: true } },
  { name: 'hooks-create', path: `/instances/${id}/hooks`, full: false, mock: { bare: true }, act: (page) => button(page, 'New rule', 'ルールを作成').click() },
  { name: 'hooks-time', path: `/instances/${id}/hooks`, full: false, act: (page) => changeHook(page, 'Light off') },
  { name: 'hooks-silence', path: `/instances/${id}/hooks`, full: false, act: (page) => changeHook(page, 'Pump is silent') },
  { name: 'hooks-edge', path: `/instances/${id}/hooks`, full: false, act: (page) => changeHook(page, 'Freezer too warm', /^(Again only after|再び真になれる条件)$/) },
  { name: 'hooks-preset', path: `/instances/${id}/hooks`, full: false, mock: { bare: true }, act: (page) => button(page, 'Switch the light off.*', '23:00に照明を消す').click() },
  { name: 'hooks-test', path: `/instances/${id}/hooks`, full: false, act: tryHook },
  { name: 'hooks-letters', path: `/instances/${id}/hooks`, full: false, act: (page) => page.getByRole('button', { name: /^(Dead letters|未配信)/ }).click() },
  { name: 'bridges', path: `/instances/${id}/bridges`, act: (page) => page.getByText('Factory').waitFor() },
  { name: 'bridges-empty', path: `/instances/${id}/bridges`, mock: { bare: true } },
  { name: 'bridges-test', path: `/instances/${id}/bridges`, full: false, act: (page) => button(page, 'Test', 'テスト').first().click().then(() => page.getByText('x509').waitFor()) },
  { name: 'bridges-change', path: `/instances/${id}/bridges`, full: false, act: (page) => button(page, 'Change', '変更').first().click() },
  { name: 'log', path: `/instances/${id}/log`, act: (page) => page.getByText('tasmota').waitFor() },
  { name: 'statistics', path: `/instances/${id}/statistics`, act: (page) => page.locator('canvas').first().waitFor() },
  { name: 'statistics-live', path: `/instances/${id}/statistics?range=live`, act: (page) => page.waitForTimeout(4500) },
  { name: 'statistics-quiet', path: `/instances/${id}/statistics`, mock: { bare: true }, act: (page) => page.locator('canvas').first().waitFor() },
  { name: 'palette', path: `/instances/${id}/log`, full: false, act: palette },
  { name: 'palette-word', path: `/instances/${id}/log`, full: false, act: (page) => palette(page, 'esp32-a4') },
  { name: 'palette-user', path: `/instances/${id}/log`, full: false, act: palettePicks },
  { name: 'flows', path: '/flows', act: (page) => page.getByText('night-shift').first().waitFor() },
  { name: 'devices', path: '/devices', act: (page) => page.getByText('greenhouse-pi').first().waitFor() },
  { name: 'devices-add', path: '/devices', full: false, act: pair },
  { name: 'device', path: '/devices/d1', act: (page) => page.getByText('Before the frost').waitFor() },
  { name: 'devices-name-stale', path: '/devices', act: staleName },
  { name: 'device-offline', path: '/devices/d2' },
  { name: 'device-push', path: '/devices/d1', full: false, act: push },
  { name: 'device-diff', path: '/devices/d1', full: false, act: (page) => button(page, 'Compare .*', '.*と比較').first().click().then(() => page.getByText('average').waitFor()) },
  { name: 'meter', path: '/devices/d1/meter', act: (page) => page.getByText('average').waitFor() },
  { name: 'flows-empty', path: '/flows', mock: { empty: true } },
  { name: 'flows-create', path: '/flows', full: false, act: (page) => button(page, 'Create flow server', 'フローサーバを作成').click() },
  { name: 'accounts', path: '/accounts', act: (page) => page.getByText('hana@example.org').first().waitFor() },
  { name: 'accounts-one', path: '/accounts/t1', act: (page) => page.getByText('kqzvbnta').waitFor() },
  { name: 'accounts-suspended', path: '/accounts/a2', act: (page) => page.getByText('Unpaid since August.').waitFor() },
  { name: 'invitations', path: '/invitations', act: (page) => page.getByText('ken@example.org').waitFor() },
  { name: 'certificates', path: '/certificates', act: (page) => page.getByText('mqtt.example.org').first().waitFor() },
  { name: 'operator-log', path: '/log' },
  { name: 'team', path: '/team', mock: { team: 'owner' }, act: (page) => page.getByText('yuki@example.org').waitFor() },
  { name: 'team-own', path: '/team', act: (page) => page.getByText('Greenhouse crew').first().waitFor() },
  { name: 'team-viewer', path: '/instances', mock: { team: 'viewer' }, act: (page) => page.getByText('Greenhouse').first().waitFor() },
  ...['', '/users', '/users/greenhouse', '/logins', '/addresses', '/client?first=1', '/topics?topic=house-0/kitchen/temperature', '/retained', '/connections', '/connections?view=away', '/history', '/hooks', '/bridges', '/why', '/log', '/import']
    .map((path) => ({ name: 'viewer-' + (path.split('?')[0].slice(1).replaceAll('/', '-') || 'details') + (path.includes('away') ? '-away' : ''), path: `/instances/${id}${path}`, light: true, mock: { team: 'viewer' }, act: looksOnly })),
  ...['/instances/new', '/flows', '/devices', '/devices/d1', '/team'].map((path) => ({ name: 'viewer' + path.replaceAll('/', '-'), path, light: true, mock: { team: 'viewer' }, act: looksOnly })),
  ...[`/instances/${id}`, `/instances/${id}/users`, '/instances', '/flows', '/devices', '/team'].map((path) => ({ name: 'dashboard' + path.replaceAll('/', '-'), path, light: true, mock: { team: 'dashboard' }, act: looksOnly })),
  { name: 'team-suspended', path: '/instances', mock: { team: 'owner', suspended: { since: '2026-11-22T11:20:00Z', why: 'Unpaid since August.' } } },
  { name: 'join-team', path: '/join-team#token=once', mock: { signedIn: false }, act: (page) => page.locator('form').waitFor() },
  { name: 'account', path: '/account', act: (page) => page.getByText('Backup').waitFor() },
  { name: 'sign-in-provider', path: '/sign-in/example?state=x&code=y', mock: { signedIn: false }, act: (page) => page.getByRole('alert').waitFor() },
  { name: 'billing', path: `/instances/${id}`, mock: { billing: {} }, act: payment },
  { name: 'billing-overdue', path: `/instances/${id}`, mock: { billing: { status: 'past_due', plan: 'works', until: '2026-12-01T09:00:00Z' } }, act: payment },
  { name: 'billing-lapsed', path: `/instances/${id}`, mock: { billing: { status: 'past_due', plan: 'works', lapsed: true } }, act: payment },
  { name: 'billing-active', path: `/instances/${id}`, mock: { billing: { status: 'active', plan: 'works' } }, act: payment },
  { name: 'session-end', path: '/instances', mock: { ending: 5 }, act: (page) => button(page, 'Stay signed in', 'サインインを続ける').waitFor() },
  { name: 'account-recovery', path: '/account', full: false, act: (page) => button(page, 'New recovery codes', 'リカバリーコードを作り直す').click() },
  { name: 'account-delete', path: '/account', mock: { role: 'member' }, full: false, act: deleteAccount },
  { name: 'account-factor-codes', path: '/account', full: false, act: factorToTheEnd },
  { name: 'account-token-once', path: '/account', full: false, act: tokenOnce },
  { name: 'account-browser-ended', path: '/account', act: endBrowser },
  { name: 'account-link', path: '/account', full: false, act: (page) => button(page, 'Link Example ID', 'Example ID を連携').click() },
  { name: 'account-passkey', path: '/account', full: false, act: (page) => button(page, 'Add a passkey', 'パスキーを追加').click() },
  { name: 'account-factor', path: '/account', full: false, act: (page) => button(page, 'Add an authenticator app', '認証アプリを追加').click() },
  { name: 'account-token', path: '/account', full: false, act: (page) => button(page, 'New token', '新しいトークン').click() },
  { name: 'account-token-messages', path: '/account', full: false, act: tokenForMessages },
  { name: 'audit', path: '/account/audit', act: (page) => page.getByText(/^(made an instance|インスタンスを作成)$/).first().waitFor() },
  { name: 'forgot', path: '/forgot', mock: { signedIn: false } },
  { name: 'sign-up', path: '/sign-up', mock: { signedIn: false, signup: 'open' } },
  { name: 'sign-up-sent', path: '/sign-up', mock: { signedIn: false, signup: 'open' }, act: askToJoin },
  { name: 'sign-up-invite', path: '/sign-up', mock: { signedIn: false } },
  { name: 'sign-up-closed', path: '/sign-up', mock: { signedIn: false, signup: 'closed' } },
  { name: 'sign-in-closed', path: '/sign-in', mock: { signedIn: false, signup: 'closed' } },
  { name: 'reset', path: '/reset#token=once', mock: { signedIn: false } },
  { name: 'part-away', path: '/instances/new', full: false, act: (page) => partMissing(page, 404, /doesn't answer|応答がなく/) },
  { name: 'part-outdated', path: '/instances/new', full: false, act: (page) => partMissing(page, 200, /any more|保存していない入力/) },
  { name: 'not-found', path: '/nowhere' },
  { name: 'gone', path: '/instances/nonesuch', act: (page) => page.getByRole('alert').waitFor() },
];

/** looksOnly presses all that can be pressed, as somebody with a lesser role: nothing that the server refuses may come of it. */
async function looksOnly(page, server) {
  await page.waitForTimeout(600);
  const all = page.locator('main button:not(:disabled):not([aria-disabled=true])');
  const names = await all.evaluateAll((list) => list.filter((one) => one.checkVisibility()).map((one) => one.getAttribute('aria-label') ?? one.textContent.trim()));
  for (const name of new Set(names)) {
    if (/^(Leave team|チームから抜ける|Switch to .*|.*に切り替える)$/.test(name)) continue;
    await page.getByRole('main').getByRole('button', { name, exact: true }).first().click({ timeout: 1000 }).catch(() => {});
    const changes = page.locator('dialog[open], [role=dialog]').locator('button[type=submit]:not(:disabled):not([aria-disabled=true])');
    if ((await changes.count()) > 0) throw new Error(`“${name}” opens a form that the role isn't for`);
    await page.keyboard.press('Escape');
  }
  await page.waitForTimeout(200);
  if (server.mock.refused.length > 0) throw new Error('asked for what the role is not for: ' + [...new Set(server.mock.refused)].join(', '));
  if (/\/instances\/./.test(page.url()) && (await page.locator('[aria-description], [role=alert], .note').count()) === 0) throw new Error('says nowhere why');
}

/** deleteAccount is refused: there is a team that would have no owner. */
async function deleteAccount(page) {
  await button(page, 'Delete my account', 'アカウントを削除').click();
  const form = page.getByRole('dialog').locator('form');
  await form.locator('input').first().fill('hana@example.org');
  await byPassword(page);
  await form.locator('input[type=password]').fill('wrong');
  await form.locator('button[type=submit]').click();
  await form.getByRole('alert').waitFor();
}

async function hostNames(page) {
  await button(page, 'Check a-rather.*', 'a-rather.*を確認').click();
  await page.locator('#host-names .note p').last().waitFor();
}

async function changeHook(page, name, below) {
  const card = page.getByRole('listitem').filter({ hasText: name });
  await card.getByRole('button', { name: /^(Change|変更)$/ }).click();
  await page.getByRole('dialog').getByLabel(/^(Name|名前)$/).waitFor();
  if (below) await page.getByRole('dialog').getByLabel(below).scrollIntoViewIfNeeded();
}

async function clientDetails(page) {
  await page.getByRole('button', { name: /^(Details of|.*の詳細$)/ }).first().click();
  await page.getByRole('dialog').getByRole('listitem').first().waitFor();
}

/** clearUndone empties the list of messages, and has them back. */
async function clearUndone(page) {
  await talk(page);
  const rows = page.getByRole('list', { name: /^(Messages|メッセージ)$/ }).locator('> li');
  const before = await rows.count();
  await page.getByRole('button', { name: /^(Clear the list|一覧を消去|リストを消去)$/ }).click();
  await rows.first().waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /^(Undo|元に戻す)$/ }).click();
  await rows.first().waitFor();
  if ((await rows.count()) < before) throw new Error('not all messages came back');
}

async function payment(page) {
  await page.getByRole('heading', { name: /^(Payment|お支払い)$/ }).scrollIntoViewIfNeeded();
  await page.getByRole('option', { name: /Works/ }).first().or(button(page, 'Card and invoices', 'カードと請求書')).first().waitFor({ state: 'attached' });
}

async function askToJoin(page) {
  await page.locator('form input[type=email]').fill('ken@example.org');
  await page.locator('form button[type=submit]').click();
  await page.getByRole('status').getByText('ken@example.org').waitFor();
}

/** endBrowser signs another browser out; what stands half below the head of the page is out of the way again. */
async function endBrowser(page) {
  const list = page.locator('section[aria-labelledby=browsers-head] li');
  const before = await list.count();
  await list.last().getByRole('button').click();
  await list.nth(before - 1).waitFor({ state: 'detached' });
  await page.evaluate(() => scrollTo(0, 0));
}

/** factorToTheEnd adds an authenticator app: the recovery codes are shown, for the only time. */
async function factorToTheEnd(page) {
  await button(page, 'Add an authenticator app', '認証アプリを追加').click();
  const form = page.getByRole('dialog').locator('form');
  await form.locator('input[inputmode=numeric]').fill('123456');
  await byPassword(page);
  await form.locator('input[type=password]').fill('correct horse');
  await form.locator('button[type=submit]').click();
  await page.getByText('bcd2-fgh2').waitFor();
}

/** tokenOnce makes an API token: it is shown, for the only time. */
async function tokenOnce(page) {
  await button(page, 'New token', '新しいトークン').click();
  const form = page.getByRole('dialog').locator('form');
  await form.locator('input').first().fill('Backup of the greenhouse');
  await byPassword(page);
  await form.locator('input[type=password]').fill('correct horse');
  await form.locator('button[type=submit]').click();
  await page.getByText('tsu_example').waitFor();
}

/** tokenForMessages fills the form of a token that only publishes and listens. */
async function tokenForMessages(page) {
  await button(page, 'New token', '新しいトークン').click();
  const form = page.getByRole('dialog').locator('form');
  await form.locator('input').first().fill('Soil sensors');
  await form.locator('select').first().selectOption('publish-subscribe');
  await form.locator('select').nth(1).selectOption('kqzvbnta');
  await form.locator('textarea').fill('garden/soil/+/moisture\ngarden/alarm');
}

async function tryHook(page) {
  await button(page, 'Test', 'テスト').first().click();
  await page.getByRole('dialog').getByRole('button', { name: /^(Test|テスト)$/ }).click();
  await page.getByText('msg_test').waitFor();
}

async function phone(page) {
  await button(page, 'Open on a phone', 'スマートフォンで開く').click();
  await page.getByText('mqtt.example.org').waitFor();
}

async function pair(page) {
  await button(page, 'Add device', 'デバイスを追加').click();
  await page.getByRole('dialog').getByRole('button', { name: /^(Make a code|コードを発行)$/ }).click();
  await page.getByText('ABCD-EFGH').waitFor();
}

async function push(page) {
  await button(page, 'Push .*', '.*を配布').first().click();
  await page.getByRole('dialog').getByRole('button', { name: /^(Push|配布)$/ }).click();
  await page.getByText('greenhouse-pi:').waitFor();
}

async function palette(page, word) {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('option').nth(14).waitFor();
  if (typeof word !== 'string') return;
  await page.keyboard.type(word);
  await page.waitForFunction(() => document.querySelectorAll('[role=option]').length < 12);
}

/** palettePicks opens the form for a user by keys alone. */
async function palettePicks(page) {
  await button(page, 'Search pages and actions', 'ページと操作を検索').click();
  await page.getByRole('option').nth(14).waitFor();
  await page.keyboard.type('users create=1 greenhouse');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByLabel(/^(User name|ユーザ名)$/).waitFor();
}

async function refused(page) {
  await page.getByLabel(/^(E-mail address|メールアドレス)$/).fill('hana@example.org');
  await page.getByLabel(/^(Password|パスワード)$/).fill('wrong');
  await button(page, 'Sign in', 'サインイン').click();
  await page.getByRole('alert').waitFor();
}

/** byPassword chooses the password, where a dialog asks who it is: the account has a passkey, too. */
const byPassword = (page) => page.getByRole('dialog').getByText(/^(Password|パスワード)$/).click();

async function reveal(page) {
  await button(page, 'Reveal', '表示').click();
  await byPassword(page);
  await page.getByLabel(/Your account's password|アカウントのパスワード/).waitFor();
}

async function importUsers(page) {
  await page.getByLabel(/^(Password file|パスワードファイル)$/).fill('boiler:$7$101$c2FsdA==$aGFzaA==');
  await button(page, 'Check', '確認する').click();
  await page.getByText('acl:7').waitFor();
}

// Somebody else has saved another note meanwhile: their state is loaded, and what was typed stays.
async function staleNote(page) {
  const note = page.getByLabel(/^(Note|メモ)/).first();
  await note.fill('somebody else was quicker');
  await note.press('Enter');
  await button(page, 'Load the new state', '最新の内容を読み込む').click();
  await page.getByText('Greenhouse, north').waitFor();
  if ((await note.inputValue()) !== 'somebody else was quicker') throw new Error('what was typed is gone');
}

/** partMissing goes to a page that doesn't come; first is how the server answers who asks for the first one. */
async function partMissing(page, first, said) {
  const name = page.getByLabel(/^(Name|名前)$/);
  await name.fill('Orchard');
  await page.route('**/assets/FlowsPage-*.js', (route) => route.fulfill({ status: 404 }));
  await page.route((url) => url.pathname === '/', (route) => route.fulfill({ status: first, contentType: 'text/html', body: 'another version' }));
  await page.getByRole('link', { name: /^(Flows|フロー)$/ }).click();
  await page.getByText(said).waitFor();
  if ((await name.inputValue()) !== 'Orchard') throw new Error('what was typed is gone');
}

// Somebody else has given the device another name meanwhile.
async function staleName(page) {
  await button(page, 'Rename', '名前を変更').first().click();
  const name = page.getByLabel(/^(Name|名前)/).first();
  await name.fill('somebody-was-quicker');
  await name.press('Enter');
  await button(page, 'Load the new state', '最新の内容を読み込む').click();
  await page.getByText('north-pi').first().waitFor();
  if ((await name.inputValue()) !== 'somebody-was-quicker') throw new Error('what was typed is gone');
}

async function chooseUsers(page) {
  for (const box of await page.getByRole('checkbox').all()) await box.check();
  await page.locator('.chosen button').last().click();
  await page.getByRole('dialog').getByRole('textbox').fill('2');
}

async function createUser(page) {
  await button(page, 'Create user', 'ユーザを作成').click();
  await page.getByRole('dialog').getByLabel(/^(User name|ユーザ名)$/).fill('pump');
  await page.getByRole('dialog').getByRole('button', { name: /^(Create user|ユーザを作成)$/ }).click();
  await page.getByText('Ym3k-0vTq_Zb58rJxN6wLs').waitFor();
}

async function talk(page) {
  await page.getByRole('status').getByText(/Connected|接続済み/).waitFor();
  await page.getByRole('button', { name: /AAAAA/ }).click();
  await page.locator('li.in').first().waitFor();
  const subscribe = page.getByLabel(/^(Topic filter|トピックフィルタ)$/);
  const topic = page.getByLabel(/^(Topic|トピック)$/);
  const payload = page.getByLabel(/^(Payload|ペイロード)$/);
  const qos = page.locator('section', { has: page.locator('#publish-head') }).getByLabel(/^(Quality of service|QoS（配信品質）)$/);
  for (const filter of ['sensors/#', 'forbidden/door']) {
    await subscribe.fill(filter);
    await button(page, 'Subscribe', '購読').click();
  }
  const send = async (to, what) => {
    await topic.fill(to);
    await payload.fill(what);
    await button(page, 'Publish', 'パブリッシュ').click();
  };
  await send('sensors/kitchen', '{"temperature":21.5,"unit":"°C"}');
  await send('test', 'BBBB こんにちは');
  await qos.selectOption({ label: 'QoS 1' });
  await send('forbidden/door', 'open');
  await page.locator('li.refused').waitFor();
}

async function replay(page) {
  await page.getByRole('status').getByText(/Connected|接続済み/).first().waitFor();
  await page.getByText(/^(Replay from the history|履歴から再生)$/).click();
  await button(page, 'Replay', '再生').click();
  await page.getByText(/^40 of 40$|^40件中 40件$/).waitFor();
  await page.locator('li.replayed').first().waitFor();
}

async function talkTree(page) {
  await page.getByRole('status').getByText(/Connected|接続済み/).first().waitFor();
  await page.getByLabel(/^(Topic filter|トピックフィルタ)$/).fill('#');
  await button(page, 'Subscribe', '購読').click();
  for (const [topic, payload] of [['home/kitchen/temperature', '21.5'], ['home/kitchen/temperature', '22'], ['home/kitchen/temperature', '22.5'], ['home/door', 'closed']]) {
    await page.getByLabel(/^(Topic|トピック)$/).fill(topic);
    await page.getByLabel(/^(Payload|ペイロード)$/).fill(payload);
    await button(page, 'Publish', 'パブリッシュ').click();
  }
  await page.getByRole('tree').waitFor();
  await page.getByRole('searchbox').fill('temperature');
  await page.getByRole('treeitem').filter({ hasText: '22.5' }).click();
  await page.waitForTimeout(1200);
}

async function nobody(page, server) {
  server.mock.connections = [];
  await page.reload();
  await page.getByText(/Nobody is here yet|まだ誰もいません/).waitFor();
}
