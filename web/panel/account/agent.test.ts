import { expect, it } from 'vitest';
import { browserName } from './agent';

it('names browsers', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36';
  expect(browserName(chrome)).toBe('Chrome, Linux');
  expect(browserName(chrome + ' Edg/130.0')).toBe('Edge, Linux');
  expect(browserName('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1')).toBe('Safari, iOS');
  expect(browserName('curl/8.0')).toBe('curl/8.0');
  expect(browserName('')).toBe('–');
});
