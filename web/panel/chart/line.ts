/** Line is one series of a Plot. */
export interface Line {
  name: string;
  values: readonly (number | null)[];
  colour: string; // custom property, such as --ai
  dash?: boolean;
}
