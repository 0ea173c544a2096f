import { describe, expect, it } from 'vitest';
import { isLabel, otherName, suggestName } from './flows';

describe('names of flow servers', () => {
  it('are suggested', () => {
    expect(suggestName([])).toBe('flow-1');
    expect(suggestName(['flow-1', 'flow-2'])).toBe('flow-3');
    expect(isLabel(otherName())).toBe(true);
  });
  it.each([
    ['flow-1', true],
    ['a', true],
    ['1flow', false],
    ['flow-', false],
    ['Flow', false],
    ['a'.repeat(33), false],
    ['', false],
  ])('%s', (name, want) => expect(isLabel(name)).toBe(want));
});
