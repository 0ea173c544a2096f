import { describe, expect, it } from 'vitest';
import { join, split } from './expiry';

describe('times', () => {
  it.each([
    [60, '1', 'minutes'],
    [90, '1.5', 'minutes'],
    [7200, '2', 'hours'],
    [172_800, '2', 'days'],
  ] as const)('%s seconds are %s %s, and back', (seconds, n, unit) => {
    expect(split(seconds)).toEqual({ n, unit });
    expect(join(n, unit)).toBe(seconds);
  });
});
