import { describe, expect, it } from 'vitest';
import { base64url, decode } from './passkeys';

describe('passkeys', () => {
  it('goes there and back without loss', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const out = decode({ challenge: base64url(all.buffer), allowCredentials: [{ type: 'public-key', id: 'AP-_' }] });
    expect([...(out.challenge as Uint8Array)]).toEqual([...all]);
    expect([...(out.allowCredentials as { id: Uint8Array }[])[0]!.id]).toEqual([0, 255, 191]);
  });
});
