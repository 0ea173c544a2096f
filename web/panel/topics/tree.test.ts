import { describe, expect, it } from 'vitest';
import { Tree, type Value } from './tree';

const value = (text: string): Value => ({ payload: new TextEncoder().encode(text), size: text.length, qos: 0, retained: false, at: 1 });
const names = (tree: Tree, wanted?: string) => tree.rows(wanted).map((r) => '  '.repeat(r.depth) + r.node.name);

describe('Tree', () => {
  const tree = new Tree(3);
  tree.put('a/2/x', value('1'), 1);
  tree.put('a/10', value('2'), 0);
  tree.put('b', value('3'), 5);
  it('counts at every level', () => {
    expect([tree.size, tree.root.below]).toEqual([3, 6]);
    expect(tree.find('a')).toMatchObject({ below: 1, topics: 2, messages: 0 });
  });
  it('shows what is open, numbers by their value', () => {
    expect(names(tree)).toEqual(['a', 'b']);
    tree.toggle('a');
    expect(names(tree)).toEqual(['a', '  2', '  10', 'b']);
    tree.openTo('a/2/x');
    expect(names(tree)).toEqual(['a', '  2', '    x', '  10', 'b']);
    expect(names(tree, 'X')).toEqual(['a', '  2', '    x']);
    tree.closeAll();
    expect(names(tree)).toEqual(['a', 'b']);
    tree.openAll();
    expect(names(tree)).toHaveLength(5);
  });
  it('gives rows that stay as they were', () => {
    const [before] = tree.rows();
    tree.put('a/10', value('9'), 4);
    const [after] = tree.rows();
    expect([before!.below, after!.below, before!.node === after!.node]).toEqual([1, 5, true]);
  });
  it('keeps the last values', () => {
    for (let i = 0; i < 5; i++) tree.put('b', value(String(i)), 1);
    expect(tree.find('b')!.history!.map((v) => new TextDecoder().decode(v.payload))).toEqual(['2', '3', '4']);
  });
  it('keeps so many bytes and values of all together', () => {
    const big = new Tree(2);
    const payload = new Uint8Array(1 << 20);
    for (let i = 0; i < 40; i++) big.put('t/' + (i % 20), { payload, size: payload.length, qos: 0, retained: false, at: i }, 1);
    const kept = Array.from({ length: 20 }, (_, i) => big.find('t/' + i)!.history!.length);
    expect(kept.reduce((a, b) => a + b)).toBe(16);
    for (let i = 0; i < 100; i++) big.put('t/0', { payload, size: payload.length, qos: 0, retained: false, at: i }, 1);
    expect(big.find('t/0')!.history!.length).toBe(2);
  });
  it('has rates that calm down', () => {
    tree.beat(1);
    expect(tree.find('b')!.rate).toBe(5);
    for (let i = 0; i < 12; i++) tree.beat(1);
    expect(tree.root.rate).toBe(0);
  });
  it('forgets a topic with its empty levels', () => {
    tree.drop('a/2/x');
    expect(tree.find('a/2')).toBeUndefined();
    expect([tree.size, names(tree)]).toEqual([2, ['a', '  10', 'b']]);
    tree.drop('a/2/x');
    expect(tree.size).toBe(2);
  });
  it('is bounded', () => {
    const full = new Tree();
    for (let i = 0; i < 20_010; i++) full.put(`t/${i}`, value('x'), 1);
    expect([full.size, full.over]).toEqual([20_000, 10]);
  });
});
