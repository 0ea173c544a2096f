// The catalogue against the sources: nothing missing, nothing unused, nothing left untranslated.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import en from '../../locales/en.json';
import ja from '../../locales/ja.json';
import { goOnly } from '../dev/plugins.js';
import { placeholders } from './text';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const ours = (key: string) => !goOnly.some((prefix) => key.startsWith(prefix));
const keys = Object.keys(en).filter(ours);
const text: Record<string, string> = en;
const translated: Record<string, string> = ja;

/** Texts that are the same in both languages, each with its reason. */
const same = new Set([
  'gate.tls', // a name
  'plan.flow_servers_of', // figures only
]);

function* sources(dir: string): Generator<string> {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (['node_modules', 'dist', 'dev'].includes(name)) continue;
    if (statSync(path).isDirectory()) yield* sources(path);
    else if (/\.(svelte|ts)$/.test(name) && !/\.test\.ts$/.test(name)) yield path;
  }
}

const code = [...sources(root)].map((path) => ({ path, text: readFileSync(path, 'utf8') }));

describe('catalogue', () => {
  it('has the same keys in both languages', () => {
    expect(Object.keys(ja).sort()).toEqual(Object.keys(en).sort());
  });

  it('is used in full, and holds all that is used', () => {
    const quoted = new Set(code.flatMap(({ text: source }) => [...source.matchAll(/'([a-z_]+\.[a-z0-9_]+)'/g)].map((m) => m[1]!)));
    expect(keys.filter((key) => !quoted.has(key))).toEqual([]);
    const asked = code.flatMap(({ text: source }) => [...source.matchAll(/\bt\(\s*'([^']+)'/g)].map((m) => m[1]!));
    expect(asked.filter((key) => !(key in text))).toEqual([]);
  });

  it('is translated, with the same placeholders', () => {
    const faults = keys.filter(
      (key) =>
        text[key]!.trim() === '' ||
        placeholders(translated[key]!).join() !== placeholders(text[key]!).join() ||
        (!same.has(key) && translated[key] === text[key]),
    );
    expect(faults).toEqual([]);
  });

  it('gives every text the values that it asks for', () => {
    const faults: string[] = [];
    for (const { path, text: source } of code) {
      for (const [, key, given] of source.matchAll(/\bt\(\s*'([^']+)'\s*(?:,\s*\{([^}]*)\})?\s*\)/g)) {
        const names = (given ?? '').split(',').map((part) => part.split(':')[0]!.trim()).filter(Boolean).sort();
        const wanted = placeholders(text[key!] ?? '');
        if (names.join() !== wanted.join()) faults.push(`${path}: ${key} wants {${wanted}}, gets {${names}}`);
      }
    }
    expect(faults).toEqual([]);
  });

  it('keeps full-width punctuation to Japanese', () => {
    expect(keys.filter((key) => /[、。：（）]/.test(text[key]!))).toEqual([]);
    expect(keys.filter((key) => /[ぁ-んァ-ヶ一-龠][,.:!?]|[ぁ-んァ-ヶ一-龠]\(/.test(translated[key]!))).toEqual([]);
  });
});
