// Pure helpers around texts and values, without a page.

export type Values = Record<string, string | number>;

/** fill puts values into {placeholders}; one without a value stays visible, so that it's noticed. */
export function fill(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}

/** placeholders lists the names of a text's placeholders, sorted, each once. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]!))].sort();
}
