import { beforeEach, describe, expect, it, vi } from 'vitest';
import { useLanguage } from '../base/i18n.svelte';
import { actionText, codesOf, wayText } from './actions';

describe('what is looked for in the audit', () => {
  beforeEach(() => vi.stubGlobal('document', { documentElement: {} }));

  it('is found by the words that a page shows', async () => {
    await useLanguage('ja');
    const codes = codesOf('インスタンスを作成').split(',');
    expect(codes).toContain('instance_create');
    expect(codes).not.toContain('instance_delete');
    expect(codesOf(wayText('server')).split(',')).toContain('server');
    await useLanguage('en');
    expect(codesOf(actionText('instance.create').toUpperCase()).split(',')).toContain('instance_create');
    expect(codesOf('hana@example.org')).toBe('');
    expect(codesOf(' ')).toBe('');
  });
  it('stays within what the server takes', async () => {
    await useLanguage('ja');
    for (const letter of ['を', '成', '削除', '変更']) expect(codesOf(letter).length).toBeLessThan(8192);
  });
});
