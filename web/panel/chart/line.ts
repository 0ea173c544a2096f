/** Line is one series of a Plot. */
export interface Line {
  name: string;
  values: readonly (number | null)[];
  colour: string; // custom property, such as --ai
  dash?: boolean;
}

/** figure is a number with two digits that mean something: marks of an axis stay apart, however near to zero they are. */
export function figure(n: number): string {
  return Math.abs(n) < 10 ? String(Number(n.toPrecision(2))) : n.toFixed(0);
}
