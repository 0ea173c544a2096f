// What changed between two texts, line by line.

export interface DiffLine {
  kind: 'same' | 'out' | 'in';
  text: string;
}

const longest = 300; // lines of either side; beyond, all of one stands against all of the other

/** diff compares by lines: what stayed, what went out and what came in, in order. */
export function diff(before: string, after: string): DiffLine[] {
  const a = before.split('\n');
  const b = after.split('\n');
  if (a.length > longest || b.length > longest) {
    return [...a.map((text) => ({ kind: 'out', text }) as const), ...b.map((text) => ({ kind: 'in', text }) as const)];
  }
  // common[i][j]: longest common subsequence of a from i on and b from j on
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const out: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ kind: 'same', text: a[i]! });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && common[i + 1]![j]! >= common[i]![j + 1]!)) {
      out.push({ kind: 'out', text: a[i++]! });
    } else {
      out.push({ kind: 'in', text: b[j++]! });
    }
  }
  return out;
}
