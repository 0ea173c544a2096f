import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holds, rowsToCSV } from './table';

const root = join(import.meta.dirname, '..');
const tables: [path: string, source: string][] = readdirSync(root, { withFileTypes: true })
  .filter((folder) => folder.isDirectory() && !['node_modules', 'dist', 'base'].includes(folder.name))
  .flatMap((folder) => readdirSync(join(root, folder.name)).map((file) => folder.name + '/' + file))
  .filter((path) => path.endsWith('.svelte'))
  .map((path): [string, string] => [path, readFileSync(join(root, path), 'utf8')])
  .filter(([, source]) => source.includes('<Table'));

// Tables whose page has the tools above them, and what is no list to look through.
const elsewhere: Record<string, string> = {
  'connections/ClientList.svelte': 'connections/ConnectionsPage.svelte',
};

describe('every table', () => {
  it('is found', () => expect(tables.length).toBeGreaterThan(10));
  it.each(tables)('%s can be searched and saved', (path, source) => {
    const tools = elsewhere[path] ? readFileSync(join(root, elsewhere[path]), 'utf8') : source;
    const whole = tools.includes('<Whole');
    expect(whole || tools.includes('<SearchBox'), 'a search').toBe(true);
    expect(whole || /<SaveList|usersTable\(|csvPath\(/.test(tools), 'a file').toBe(true);
  });
});

describe('rows of a list', () => {
  it('are searched in every cell, whatever the case', () => {
    const row = { name: 'Küche', user: 'ada@example.org', n: 1200, none: undefined };
    expect(holds(row, 'KÜCHE')).toBe(true);
    expect(holds(row, 'example.org')).toBe(true);
    expect(holds(row, '1200')).toBe(true);
    expect(holds(row, 'undefined')).toBe(false);
    expect(holds(row, '')).toBe(true);
  });
  it('become a file that names its columns', () => {
    expect(rowsToCSV([{ a: 1, b: 'x,y' }, { a: 2, b: undefined }])).toBe('a,b\r\n1,"x,y"\r\n2,\r\n');
    expect(rowsToCSV([])).toBe('');
  });
});
