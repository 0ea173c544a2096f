import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import en from '../../locales/en.json';
import { faultText, foreign } from './faults';
import { useLanguage } from './i18n.svelte';

describe('faults', () => {
  beforeAll(() => {
    vi.stubGlobal('document', { documentElement: {} });
    return useLanguage('ja');
  });

  it('all have a text here, and there is none besides', () => {
    const source = readFileSync(join(import.meta.dirname, '..', '..', '..', 'internal', 'fault', 'codes.go'), 'utf8');
    const codes = [...source.matchAll(/Code = "(\w+)"/g)].map((m) => m[1]!);
    expect(codes.length).toBeGreaterThan(40);
    expect(codes.filter((code) => foreign({ code }))).toEqual([]);
    expect(Object.keys(en).filter((key) => key.startsWith('fault.')).sort()).toEqual(codes.map((code) => 'fault.' + code).sort());
  });

  it.each([
    [{ code: 'status', args: { status: '503 Service Unavailable' } }, 'the receiver answered 503 Service Unavailable', '受信側が 503 Service Unavailable を返しました。'],
    [{ code: 'newer' }, 'a sentence of a newer server', 'a sentence of a newer server'],
    [undefined, 'something else', 'something else'],
    [undefined, undefined, ''],
  ])('%j', (told, words, text) => expect(faultText(told, words)).toBe(text));
});
