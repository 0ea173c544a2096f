import { expect, it } from 'vitest';
import { figure } from './line';

it('figures of an axis stay apart', () => {
  expect([0, 0.005, 0.01, 0.015, 0.02].map(figure)).toEqual(['0', '0.005', '0.01', '0.015', '0.02']);
  expect([0, 0.25, 0.5, 2, 7.5, 10, 1234.5].map(figure)).toEqual(['0', '0.25', '0.5', '2', '7.5', '10', '1235']);
});
