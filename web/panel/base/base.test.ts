import { describe, expect, it } from 'vitest';
import { faults } from './api';
import { formatBytes, formatFingerprint, formatNumber, formatReason, formatTime } from './format';
import { matchPath, safeNext, withQuery } from './route';
import { toCSV } from './table';
import { fill, placeholders } from './text';
import { checkFilter, checkTopic, matches } from './topics';

describe('fill', () => {
  it.each([
    ['Copied: {what}', { what: 'server' }, 'Copied: server'],
    ['{n} of {n}', { n: 3 }, '3 of 3'],
    ['{there} {missing}', { there: 'a' }, 'a {missing}'],
    ['{__proto__}', {}, '{__proto__}'],
  ])('%s', (text, values, want) => expect(fill(text, values)).toBe(want));
  it('lists placeholders once, sorted', () => expect(placeholders('{b} {a} {b}')).toEqual(['a', 'b']));
});

describe('matchPath', () => {
  it.each([
    ['/instances', '/instances/', {}],
    ['/instances/:id', '/instances/abc', { id: 'abc' }],
    ['/instances/:id/users/:user', '/instances/abc/users/a%2Fb', { id: 'abc', user: 'a/b' }],
    ['/instances/:id', '/instances', undefined],
    ['/instances/:id', '/instances/%', undefined],
    ['/', '/', {}],
  ])('%s on %s', (pattern, path, want) => expect(matchPath(pattern, path)).toEqual(want));
});

describe('safeNext', () => {
  it.each([
    ['/instances/abc?x=1', '/instances/abc?x=1'],
    [null, '/'],
    ['', '/'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['https://evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['/.//evil.example', '/'],
    ['/a/..//evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['/\n\\evil.example', '/'],
    ['/a/../b?x#y', '/b?x#y'],
  ])('%s', (next, want) => expect(safeNext(next)).toBe(want));
});

describe('withQuery', () => {
  it('sets and takes away', () => {
    expect(withQuery('?a=1&b=2', { a: '', c: 'x y' })).toBe('?b=2&c=x+y');
    expect(withQuery('?a=1', { a: '' })).toBe('');
  });
});

describe('format', () => {
  it.each([
    ['2026-11-22T11:15:00Z', 'Asia/Tokyo', false, '2026-11-22 20:15 JST'],
    ['2026-11-22T23:59:59.9Z', 'UTC', true, '2026-11-22 23:59:59 UTC'],
    ['0001-01-01T00:00:00Z', 'UTC', false, ''],
    ['no date', 'UTC', false, ''],
    [undefined, 'UTC', false, ''],
  ])('time %s', (iso, zone, seconds, want) => expect(formatTime(iso, zone, seconds)).toBe(want));

  it.each([
    [0, '0 B'],
    [950, '950 B'],
    [999.6, '1.0 kB'],
    [1_048_576, '1.0 MB'],
    [268_435_455, '268 MB'],
    [undefined, '–'],
  ])('%s bytes', (n, want) => expect(formatBytes(n)).toBe(want));

  it.each(['2026-01-22T11:15:07Z', '2026-07-22T23:59:59.9Z', '1999-12-31T15:00:00Z'])('the own zone as any other: %s', (iso) => {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    for (const seconds of [false, true]) expect(formatTime(iso, undefined, seconds)).toBe(formatTime(iso, own, seconds));
  });

  it.each([0, -0, 7, 999, 1000, -999, -1000, 1234567, -1234567, 2 ** 53 - 1, 1234.5678, 1e21, 0.5])('number %s', (n) =>
    expect(formatNumber(n)).toBe(new Intl.NumberFormat('en-US').format(n === 0 ? 0 : n)));

  it('numbers, reasons, fingerprints', () => {
    expect(formatNumber(1234567)).toBe('1,234,567');
    expect(formatReason(0x87)).toBe('0x87');
    expect(formatReason(4)).toBe('0x04');
    expect(formatFingerprint('ab:cd01')).toBe('AB:CD:01');
  });
});

describe('toCSV', () => {
  it('quotes, and keeps spreadsheets from running cells', () => {
    expect(toCSV([['a,b', 'say "x"', -1, undefined], ['=1+1', '-x', 'two\nlines', true], ['＝1', '＠a', '\n=1', 'a=b']])).toBe(
      '"a,b","say ""x""",-1,\r\n\'=1+1,\'-x,"two\nlines",true\r\n\'＝1,\'＠a,"\'\n=1",a=b\r\n',
    );
  });
});

describe('faults', () => {
  it('reads the last part of a location', () => {
    expect(faults([{ location: 'body.email', message: 'taken' }])).toEqual([{ field: 'email', message: 'taken' }]);
    expect(faults(undefined)).toEqual([]);
  });
});

describe('topics', () => {
  it.each([
    ['sport/#', undefined],
    ['#', undefined],
    ['+/+', undefined],
    ['/', undefined],
    ['', 'empty'],
    ['sport#', 'hash'],
    ['sport/#/x', 'hash'],
    ['sport+', 'plus'],
    ['a\0', 'null'],
    ['あ'.repeat(21846), 'long'],
  ])('filter %.20s', (filter, want) => expect(checkFilter(filter)).toBe(want));

  it.each([
    ['a/b', undefined],
    ['a/+', 'wildcard'],
    ['#', 'wildcard'],
    ['', 'empty'],
  ])('topic %s', (topic, want) => expect(checkTopic(topic)).toBe(want));

  it.each([
    ['sport/#', 'sport', true],
    ['sport/#', 'sport/a/b', true],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['#', '$SYS/uptime', false],
    ['+/uptime', '$SYS/uptime', false],
    ['$SYS/#', '$SYS/uptime', true],
    ['$share/g/a/+', 'a/b', true],
    ['a', 'a/b', false],
  ])('%s takes %s', (filter, topic, want) => expect(matches(filter, topic)).toBe(want));
});
