import { expect, it } from 'vitest';
import { nextRate } from './rates';

it.each([
  [{ at: 10, in: 100, out: 0 }, { at: 12, in: 110, out: 40 }, { at: 12, in: 5, out: 20 }],
  [{ at: 10, in: 100, out: 9 }, { at: 11, in: 3, out: 9 }, { at: 11, in: 3, out: 0 }], // started anew
  [{ at: 10, in: 100, out: 0 }, { at: 10, in: 110, out: 0 }, undefined],
])('from %o to %o', (before, now, want) => expect(nextRate(before, now)).toEqual(want));
