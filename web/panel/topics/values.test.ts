import { describe, expect, it } from 'vitest';
import { diff } from './diff';
import { numbersOf } from './numbers';

const numbers = (text: string) => Object.fromEntries(numbersOf(new TextEncoder().encode(text)));

describe('numbersOf', () => {
  it.each([
    ['21.5', { '': 21.5 }],
    [' -1e3 ', { '': -1000 }],
    ['21,5 °C', { '': 21.5 }],
    ['ON', { '': 1 }],
    ['closed', { '': 0 }],
    ['{"t":21.5,"wind":{"speed":"3","from":"N"},"ok":true,"list":[1,{"a":2}]}', { t: 21.5, 'wind.speed': 3, ok: 1, 'list.0': 1, 'list.1.a': 2 }],
    ['hello', {}],
    ['{broken', {}],
    ['', {}],
    ['0x10', {}],
    ['2026-11-22', {}],
  ])('%s', (text, want) => expect(numbers(text)).toEqual(want));
  it('is bounded', () => {
    expect(Object.keys(numbers(JSON.stringify(Array.from({ length: 500 }, (_, i) => i))))).toHaveLength(50);
    expect(numbers('1'.padStart(20_000, '0'))).toEqual({});
  });
});

describe('diff', () => {
  const short = (a: string, b: string) => diff(a, b).map((l) => ({ same: ' ', out: '-', in: '+' })[l.kind] + l.text);
  it.each([
    ['a\nb\nc', 'a\nB\nc', [' a', '-b', '+B', ' c']],
    ['a', 'a', [' a']],
    ['', 'x', ['-', '+x']],
    ['a\nb', 'b\nc', ['-a', ' b', '+c']],
  ])('%j → %j', (a, b, want) => expect(short(a, b)).toEqual(want));
  it('gives up on long ones', () => expect(diff('x\n'.repeat(400), 'y')).toHaveLength(402));
});
