import { describe, expect, it } from 'vitest';
import { brief, read, show } from './payload';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('show', () => {
  it.each([
    ['AAAAA', 'auto', 'text', 'AAAAA'],
    ['21.5', 'auto', 'text', '21.5'],
    ['{"a":1}', 'auto', 'json', '{\n  "a": 1\n}'],
    ['{broken', 'auto', 'text', '{broken'],
    ['{"a":1}', 'text', 'text', '{"a":1}'],
    ['こんにちは', 'auto', 'text', 'こんにちは'],
    ['hi', 'hex', 'hex', '68 69'],
    ['hi', 'base64', 'base64', 'aGk='],
  ] as const)('%s as %s', (text, format, as, want) => {
    expect(show(bytes(text), format)).toEqual({ text: want, as, cut: 0 });
  });
  it('takes what is no text for hex', () => {
    expect(show(new Uint8Array([0xff, 0x00]), 'auto').as).toBe('hex');
    expect(show(new Uint8Array([1, 2]), 'auto').as).toBe('hex');
  });
  it('cuts, not inside a character', () => {
    const shown = show(bytes('あ'.repeat(10_000)), 'auto');
    expect([shown.as, shown.cut]).toEqual(['text', 30_000 - 16_384]);
    expect(shown.text).not.toContain('\ufffd');
  });
});

describe('CBOR', () => {
  const from = (hex: string) => read(hex, 'hex')!;
  it.each([
    ['a2 61 61 01 61 62 82 f5 f6', '{"a":1,"b":[true,null]}'],
    ['38 63', '-100'],
    ['f9 3e 00', '1.5'],
    ['fb 40 35 80 00 00 00 00 00', '21.5'],
    ['1b ff ff ff ff ff ff ff ff', '"18446744073709551615"'],
    ['42 01 ff', '"h\'01ff\'"'],
    ['9f 01 02 ff', '[1,2]'],
    ['7f 61 61 61 62 ff', '"ab"'],
    ['c1 1a 51 4b 67 b0', '1363896240'],
  ])('%s', (hex, want) => expect(JSON.stringify(JSON.parse(show(from(hex), 'cbor').text))).toBe(want));
  it.each(['a1', '1c', '9b ff ff ff ff ff ff ff ff', '01 02', '9f'.repeat(60)])('%s is none', (hex) => expect(show(from(hex), 'cbor').as).toBe('hex'));
});

describe('what is typed', () => {
  it.each([
    ['0x01 ff:AB', 'hex', [1, 255, 171]],
    ['1', 'hex', undefined],
    ['aGk=', 'base64', [104, 105]],
    ['*', 'base64', undefined],
    ['{"a":1}', 'json', [...bytes('{"a":1}')]],
    ['{a:1}', 'json', undefined],
    ['あ', 'text', [...bytes('あ')]],
  ] as const)('%s as %s', (text, form, want) => {
    const got = read(text, form);
    expect(got && [...got]).toEqual(want && [...want]);
  });
  it('is shown on one line', () => {
    expect(brief(bytes('{\n  "a": 1\n}'))).toBe('{ "a": 1 }');
    expect(brief(new Uint8Array([0, 255]))).toBe('00 ff');
  });
});
