// Numbers in payloads: what can be drawn.

const deepest = 4; // levels of an object that are looked into
const most = 50; // numbers of one payload
const longest = 16_384; // bytes of a payload that is looked into

/**
 * numbersOf finds the numbers of a payload by their path: "" where it is a number itself, "a.b" inside of an object,
 * "a.0" in a list. true and false, on and off count as 1 and 0.
 */
export function numbersOf(payload: Uint8Array): Map<string, number> {
  const out = new Map<string, number>();
  if (payload.length === 0 || payload.length > longest) return out;
  const text = new TextDecoder().decode(payload).trim();
  const plain = number(text);
  if (plain !== undefined) return out.set('', plain);
  if (!/^[[{]/.test(text)) return out;
  try {
    collect(JSON.parse(text), '', 0, out);
  } catch {
    // no JSON: nothing to draw
  }
  return out;
}

const words: Record<string, number> = { true: 1, on: 1, online: 1, open: 1, false: 0, off: 0, offline: 0, closed: 0 };

function number(text: string): number | undefined {
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  const unit = /^([-+]?\d+(?:[.,]\d+)?)\s?(?:°?[CFK]|%|[kM]?W|[kM]?Wh|m?V|m?A|[hk]?Pa|lx|ppm|s|ms)$/.exec(text);
  if (unit) return Number(unit[1]!.replace(',', '.'));
  return words[text.toLowerCase()];
}

function collect(value: unknown, path: string, depth: number, out: Map<string, number>): void {
  if (out.size >= most) return;
  if (typeof value === 'number' && Number.isFinite(value)) out.set(path, value);
  else if (typeof value === 'boolean') out.set(path, Number(value));
  else if (typeof value === 'string') {
    const n = number(value);
    if (n !== undefined) out.set(path, n);
  } else if (value && typeof value === 'object' && depth < deepest) {
    for (const [key, part] of Object.entries(value)) collect(part, path ? `${path}.${key}` : key, depth + 1, out);
  }
}
