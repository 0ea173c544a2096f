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
      .join('\n')
      .replaceAll(/"\s*\+\s*"/g, ''); // sentences over several lines
    const longest = (english: string) => english.split(/\{[xy]\}/).sort((a, b) => b.length - a.length)[0]!.trim();
    const gone = known.filter(([, key]) => key !== 'cause.timed_out').filter(([english]) => !source.includes(longest(english)));
    expect(gone).toEqual([]);
  });

  it.each([
    ['wrong password', 'パスワードが違います', false],
    ['no rule', 'なし', false],
    ['$SYS can be read', '$SYS は読み取れます', false],
    ['a connection from 192.0.2.1:5 uses the same client identifier', '192.0.2.1:5 からの接続が同じクライアント ID を使っています', false],
    ['this address is shut out until 2026-11-23 10:00:00 UTC: lift the ban on the addresses page (and 12 more since the last such line)', 'このアドレスは 2026-11-23 10:00:00 UTC まで遮断されています。「アドレス」のページで解除できます。（前回の記録以降、ほかに 12 件）', false],
    ["the publishable key shop isn't for pages of \"https://a.example\": allow this origin, or use a user for what is no page", '公開可能キー shop は "https://a.example" のページでは使えません。このオリジンを許可するか、ページ以外にはユーザを使ってください', false],
    ['something new (and 2 more since the last such line)', 'something new (and 2 more since the last such line)', true],
    ['something new', 'something new', true],
  ])('%s', (cause, text, foreign) => expect(causeText(cause)).toEqual({ text, foreign }));
});
