// Screenshots and accessibility checks of every page with Debian's Chromium: two widths, both
// languages, light and dark. `npm run build` first; pictures go to SHOTS, or the system's folder for temporary files.
//   node dev/browser.js [name-part …]     only pages whose name contains one of the parts
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { scenes } from './scenes.js';
import { serve } from './serve.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const out = process.env.SHOTS ?? join(tmpdir(), 'tsunagi-panel');
const wanted = process.argv.slice(2);
const looks = [
  { width: 360, height: 740, language: 'ja', scheme: 'light' },
  { width: 360, height: 740, language: 'en', scheme: 'dark' },
  { width: 1280, height: 860, language: 'en', scheme: 'light' },
  { width: 1280, height: 860, language: 'ja', scheme: 'dark' },
];

mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

let faults = 0;
try {
  for (const look of looks) {
    for (const scene of scenes) {
      if (wanted.length > 0 && !wanted.some((part) => scene.name.includes(part))) continue;
      if (scene.light && look.scheme !== 'light') continue;
      await check(scene, look);
    }
  }
} finally {
  await browser.close();
}
console.log(faults === 0 ? 'no faults' : `${faults} faults`);
process.exit(faults === 0 ? 0 : 1);

async function check(scene, look) {
  const label = `${scene.name}-${look.width}-${look.language}-${look.scheme}`;
  const server = await serve({ signedIn: true, language: look.language, ...scene.mock });
  const context = await browser.newContext({
    viewport: { width: look.width, height: look.height },
    locale: look.language === 'ja' ? 'ja-JP' : 'en-US',
    timezoneId: 'Asia/Tokyo',
    colorScheme: look.scheme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.on('console', (line) => {
    const refused = line.text().includes('status of 4'); // answers that a scene provokes
    if (['error', 'warning'].includes(line.type()) && !refused) fault(label, `console: ${line.text()}`);
  });
  page.on('pageerror', (error) => fault(label, `page: ${error.message}`));
  try {
    await page.goto(server.url + scene.path);
    await page.locator('h1').first().waitFor();
    await scene.act?.(page, server);
    await page.waitForTimeout(250); // for pictures only: lists that are drawn in intervals
    await page.screenshot({ path: join(out, label + '.png'), fullPage: scene.full ?? true });
    await measure(page, label);
  } catch (error) {
    fault(label, String(error.message ?? error));
    await page.screenshot({ path: join(out, label + '-fault.png') }).catch(() => {});
  } finally {
    await context.close();
    server.close();
  }
}

/** measure runs axe, and looks for pages that scroll sideways and targets that are too small. */
async function measure(page, label) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  for (const one of result.violations) {
    fault(label, `axe ${one.id}: ${one.nodes.map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).slice(0, 3).join(' | ')}`);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) fault(label, `${wide} px wider than the window`);
  const small = await page.evaluate(() => {
    const all = [...document.querySelectorAll('button, select, input:not([type=radio], [type=checkbox]), nav a, a.button')];
    return all
      .filter((one) => one.checkVisibility({ visibilityProperty: true }))
      .map((one) => ({ box: one.getBoundingClientRect(), text: one.getAttribute('aria-label') ?? one.textContent }))
      .filter(({ box }) => box.height > 1 && (box.height < 43.5 || box.width < 43.5))
      .map(({ box, text }) => `${text.trim()} ${Math.round(box.width)}×${Math.round(box.height)}`);
  });
  if (small.length > 0) fault(label, `small targets: ${small.join(', ')}`);
}

function fault(label, text) {
  faults++;
  console.log(`${label}: ${text}`);
}
