// What becomes of a person's place in the account that is looked at, when others change it meanwhile.
import type { Role } from '../base/rights';

/** Place is the account that is looked at, as its person stands in it. */
export interface Place {
  id: string;
  own: boolean;
  role: Role;
  suspended?: object;
}

/** Change is what there is to say: another role, another account since the person is in the team no more, or since it was chosen elsewhere. */
export type Change = 'role' | 'gone' | 'elsewhere';

/** changeOf compares a place with the one before; in are the ids of all accounts that the person may use. */
export function changeOf(before: Place, now: Place, used: readonly string[]): Change | undefined {
  if (before.id !== now.id) return used.includes(before.id) ? 'elsewhere' : 'gone';
  return before.role !== now.role ? 'role' : undefined;
}

/** pace returns act so that it runs once at a time, and not again within the given milliseconds; now is a clock. */
export function pace(act: () => Promise<void>, between: number, now: () => number): () => void {
  let last = -Infinity;
  let running = false;
  return () => {
    if (running || now() - last < between) return;
    running = true;
    last = now();
    void act().finally(() => (running = false));
  };
}
