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

/**
 * pace returns act so that it runs once at a time, and begins at least so many milliseconds after it began before: who
 * calls earlier has it run once more then.
 */
export function pace(act: () => Promise<void>, between: number): () => void {
  let begun = -Infinity;
  let running = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = () => {
    if (timer !== undefined) return;
    const early = begun + between - performance.now();
    if (early > 0 || running) {
      timer = setTimeout(() => ((timer = undefined), ask()), Math.max(early, 50));
      return;
    }
    running = true;
    begun = performance.now();
    void act().finally(() => (running = false));
  };
  return ask;
}
