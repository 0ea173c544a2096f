import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { useLanguage } from '../base/i18n.svelte';
import { causeText, known } from './causes';

const root = join(import.meta.dirname, '..', '..', '..', 'internal');

describe('causes', () => {
  beforeAll(() => {
    vi.stubGlobal('document', { documentElement: {} });
    return useLanguage('ja');
  });

  it('are sentences of the server', () => {
    const source = ['broker', 'gate', 'account', 'app', 'mqtt']
      .flatMap((folder) => readdirSync(join(root, folder)).filter((name) => name.endsWith('.go') && !name.endsWith('_test.go')).map((name) => readFileSync(join(root, folder, name), 'utf8')))
      .join('\n');
    const longest = (english: string) => english.split('{x}').sort((a, b) => b.length - a.length)[0]!.trim();
    const gone = known.filter(([, key]) => key !== 'cause.timed_out').filter(([english]) => !source.includes(longest(english)));
    expect(gone).toEqual([]);
  });

  it.each([
    ['wrong password', 'パスワードが違います', false],
    ['a connection from 192.0.2.1:5 uses the same client identifier', '192.0.2.1:5 からの接続が同じクライアント ID を使っています', false],
    ['something new', 'something new', true],
  ])('%s', (cause, text, foreign) => expect(causeText(cause)).toEqual({ text, foreign }));
});
