// Rates over time from counters that only grow.

export interface Sample {
  at: number; // seconds since the epoch
  in: number; // messages so far
  out: number;
}

export interface Rate {
  at: number;
  in: number; // messages a second
  out: number;
}

/**
 * nextRate gives the rate between two samples. A counter that fell was started anew with the
 * broker, so it counts from zero. No rate for samples of the same moment.
 */
export function nextRate(before: Sample, now: Sample): Rate | undefined {
  const seconds = now.at - before.at;
  if (seconds <= 0) return undefined;
  const grown = (a: number, b: number) => (b >= a ? b - a : b) / seconds;
  return { at: now.at, in: grown(before.in, now.in), out: grown(before.out, now.out) };
}
