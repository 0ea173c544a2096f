// When a sign-in ends, and whether that is near enough to say so.

/** Lease is what the server said of the session, in the clock of this browser (milliseconds). */
export interface Lease {
  at: number; // when the server said it
  ends: number; // in any case
  idle: number; // for how long it holds without use
}

export interface Ending {
  at: number;
  idle: boolean; // use puts it off
}

/** before is how long before the end the notice comes, in milliseconds. */
export const before = 10 * 60_000;

/** leaseOf reads the server's times as of its own clock, which may differ from this browser's. */
export function leaseOf(times: { now?: string; ends_at?: string; idle_ends_at?: string }, at: number): Lease | undefined {
  if (!times.now || !times.ends_at || !times.idle_ends_at) return undefined;
  const now = Date.parse(times.now);
  return { at, ends: at + Date.parse(times.ends_at) - now, idle: Date.parse(times.idle_ends_at) - now };
}

/** endingOf is the end that is near, or undefined. used is when the server last answered something. */
export function endingOf(lease: Lease | undefined, used: number, now: number): Ending | undefined {
  if (!lease) return undefined;
  const idle = Math.max(used, lease.at) + lease.idle;
  const at = Math.min(idle, lease.ends);
  return at - now <= before ? { at, idle: idle < lease.ends } : undefined;
}
