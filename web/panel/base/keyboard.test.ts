import { describe, expect, it } from 'vitest';
import { room } from './keyboard';

describe('room', () => {
  const view = (height: number, offsetTop = 0, scale = 1) => ({ height, offsetTop, scale });

  it('is what the keyboard leaves', () => {
    expect(room(740, view(440))).toEqual({ covered: 300, height: 440 });
  });
  it('counts what was pushed out at the top', () => {
    expect(room(740, view(440, 100))).toEqual({ covered: 200, height: 440 });
    expect(room(740, view(440, 300))).toBeUndefined(); // pushed so far that nothing is covered
  });
  it('takes bars of the browser and magnified pages for no keyboard', () => {
    expect(room(740, view(740))).toBeUndefined();
    expect(room(740, view(684))).toBeUndefined();
    expect(room(740, view(370, 0, 2))).toBeUndefined();
    expect(room(740, null)).toBeUndefined();
  });
});
