import { describe, expect, it } from 'vitest';
import { destinations } from './team';

describe('where an instance can be moved', () => {
  const teams = [
    { id: 'own', role: 'owner' as const },
    { id: 'crew', role: 'member' as const },
    { id: 'shop', role: 'owner' as const },
    { id: 'guests', role: 'viewer' as const },
  ];
  const ids = (owner?: string) => destinations(teams, owner).map((one) => one.id);
  it('is where the person makes things, and not where it is, whatever is looked at', () => {
    expect(ids('own')).toEqual(['crew', 'shop']);
    expect(ids('shop')).toEqual(['own', 'crew']);
  });
  it('is nowhere while nobody has said whose it is', () => expect(ids()).toEqual([]));
});
