// Two people edit one thing: what the person here has typed stands, the rest follows what the other one saved.

/** Theirs is a field that both have changed, with what the other one saved there. */
export interface Theirs {
  label: string;
  saved: string;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * merge takes each field of typed from now, unless the person has changed it since was. Both are the fields that the
 * other one has changed too, to something else.
 */
export function merge<T extends object>(was: T, typed: T, now: T): { value: T; both: (keyof T)[] } {
  const value = { ...typed };
  const both: (keyof T)[] = [];
  for (const name of Object.keys(typed) as (keyof T)[]) {
    if (same(typed[name], was[name])) value[name] = now[name];
    else if (!same(now[name], was[name]) && !same(now[name], typed[name])) both.push(name);
  }
  return { value, both };
}

/** theirs words what the other one saved in some fields. */
export function theirs<T extends object>(now: T, fields: (keyof T)[], labels: Partial<Record<keyof T, string>>): Theirs[] {
  return fields.map((name) => ({ label: labels[name] ?? String(name), saved: words(now[name]) }));
}

function words(value: unknown): string {
  if (value === '' || value === undefined || value === null) return '–';
  if (Array.isArray(value)) return value.map(words).join(', ') || '–';
  if (typeof value === 'object') return Object.values(value).filter((part) => part !== '').join(' ');
  return String(value);
}
