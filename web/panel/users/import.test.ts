import { describe, expect, it } from 'vitest';
import { asCSV } from './import';

describe('asCSV', () => {
  it('quotes what needs it and makes no formulas', () => {
    const user = (name: string) => ({ name, connect: true, from: 'generated' as const, password: 'p' });
    expect(asCSV([user('a'), user('b,"c"'), user('=1+1')])).toBe('name,password\na,p\n"b,""c""",p\n"\'=1+1",p\n');
  });
});
