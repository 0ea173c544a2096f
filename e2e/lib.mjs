// What the browser tests share: the binary as a process, Chromium that trusts its authority, texts, screenshots.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binary = join(root, 'bin', 'tsunagi');
const screenshots = join(root, 'e2e', 'screenshots');

// patience is how long a step may take, in milliseconds. It is for a slow machine with much to do: a test waits for what happens.
export const patience = 90_000;

let nextPort = Math.floor(Math.random() * 12_000);

/**
 * freePorts finds n ports that nobody uses, and that stay free while a server is away: they are below those that connections
 * are given, else a client that tries again could sit on one, even be connected with itself.
 */
export async function freePorts(n) {
  const ports = [];
  for (let tries = 0; ports.length < n; tries++) {
    if (tries === 1000) throw new Error('no port from 20000 to 31999 is free');
    const port = 20_000 + nextPort++ % 12_000;
    const free = await new Promise((done) => {
      const s = createServer().once('error', () => done(false)).listen(port, () => s.close(() => done(true)));
    });
    if (free) ports.push(port);
  }
  return ports;
}

/** until asks for something again and again until it is good, and returns it. */
export async function until(what, ask, good = (answer) => answer) {
  for (const end = Date.now() + patience; ;) {
    const answer = await ask();
    if (good(answer)) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}: ${JSON.stringify(answer)}`);
    await new Promise((done) => { setTimeout(done, 50); });
  }
}

/**
 * go opens an address. It is opened again where that was broken off: by the page that is left, which loads itself anew when a
 * part of it doesn't come, or by a change of the machine's networks.
 */
export async function go(page, url) {
  for (let more = 3; ; more--) {
    try {
      return await page.goto(url);
    } catch (error) {
      if (more === 0 || !/ERR_ABORTED|ERR_NETWORK_CHANGED|interrupted by another navigation/.test(error.message)) throw error;
    }
  }
}

/** Process runs the binary, with the words of at before it, and keeps what it prints. */
export class Process {
  constructor(args, env = {}, at = []) {
    this.text = '';
    this.waiting = [];
    const [command, ...words] = [...at, binary, ...args];
    this.child = spawn(command, words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const out of [this.child.stdout, this.child.stderr]) {
      out.setEncoding('utf8').on('data', (chunk) => { this.text += chunk; this.#look(); });
    }
    this.ended = new Promise((done) => this.child.once('exit', (code, signal) => { this.over = true; done({ code, signal }); }));
    this.child.once('close', () => { this.silent = true; this.#look(); }); // what it printed last comes after its end
  }

  #look() {
    this.waiting = this.waiting.filter((w) => {
      const m = w.pattern.exec(this.text);
      if (m) w.done(m);
      else if (this.silent) w.fail(new Error(`the process ended before it printed ${w.pattern}:\n${this.text}`));
      return !m && !this.silent;
    });
  }

  /** prints waits until the output matches pattern. */
  prints(pattern, ms = patience) {
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`did not print ${pattern} in ${ms} ms:\n${this.text}`)), ms);
      const settle = (f) => (v) => { clearTimeout(timer); f(v); };
      this.waiting.push({ pattern, done: settle(done), fail: settle(fail) });
      this.#look();
    });
  }

  /** stop ends the process as Ctrl-C does and returns its exit code. */
  async stop() {
    if (!this.over) this.child.kill('SIGINT');
    return (await this.ended).code;
  }
}

/** serve starts the cloud side on free ports and returns it with its addresses. */
export async function serve(data, ports, { host = 'localhost', at = [], more = [] } = {}) {
  const [https, mqtts, mqtt, http] = ports ?? await freePorts(4);
  const p = new Process(['serve', '--data', data, '--domain', host, '--https', `:${https}`, '--mqtts', `:${mqtts}`, '--mqtt', `:${mqtt}`, '--http', `:${http}`, ...more], {}, at);
  Object.assign(p, { https, mqtts, mqtt, http, ports: [https, mqtts, mqtt, http], origin: `https://${host}:${https}`, ca: join(data, 'ca', 'ca.pem') });
  await p.prints(/^ready$/m);
  return p;
}

/**
 * browser starts Chromium with a profile of its own that trusts the given authorities, if any, and nothing else new. at are
 * words to put before its command. With touch it is a phone's: fingers, and no pointer.
 */
export async function browser(caFile, { language, width, height = 800, dark = false, touch = false, at = [] }) {
  const home = mkdtempSync(join(tmpdir(), 'tsunagi-browser-'));
  const nss = join(home, '.pki', 'nssdb');
  mkdirSync(nss, { recursive: true });
  execFileSync('certutil', ['-d', `sql:${nss}`, '-N', '--empty-password']);
  [caFile ?? []].flat().forEach((file, n) => execFileSync('certutil', ['-d', `sql:${nss}`, '-A', '-t', 'C,,', '-n', `tsunagi ${n}`, '-i', file]));
  let executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);
  if (at.length) {
    const wrapper = join(home, 'browser');
    const quoted = [...at, executablePath].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    writeFileSync(wrapper, `#!/bin/sh\nexec ${quoted} "$@"\n`, { mode: 0o755 });
    executablePath = wrapper;
  }
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath,
    timeout: patience,
    headless: true,
    env: { ...process.env, HOME: home },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    locale: language === 'ja' ? 'ja-JP' : 'en-US',
    viewport: { width, height },
    hasTouch: touch,
    isMobile: touch,
    colorScheme: dark ? 'dark' : 'light',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(patience);
  return context;
}

/** texts is the catalogue of a language: t('key', {name: value}). */
export function texts(language) {
  const all = JSON.parse(readFileSync(join(root, 'web', 'locales', `${language}.json`), 'utf8'));
  return (key, values = {}) => {
    if (!(key in all)) throw new Error(`no text ${key} in ${language}.json`);
    return all[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
  };
}

/** shot keeps a picture of the page. */
export async function shot(page, name) {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`) });
}

/** temporary is a new directory for one test. */
export const temporary = (name) => mkdtempSync(join(tmpdir(), `tsunagi-${name}-`));

/** run runs a command to its end: {code, out}. */
export function run(command, args, { input, ms = patience } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (c) => { out += c; });
    child.stderr.on('data', (c) => { out += c; });
    const timer = setTimeout(() => child.kill('SIGKILL'), ms);
    child.once('error', fail).once('close', (code) => { clearTimeout(timer); done({ code, out }); });
    child.stdin.end(input ?? '');
  });
}
