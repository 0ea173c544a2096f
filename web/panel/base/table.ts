/** Column of a Table: main is the thing's name, actions its buttons, number is set flush right. */
export interface Column {
  id: string;
  label: string;
  kind?: 'main' | 'number' | 'actions';
}

/** Cell is one value of a row, as it is searched and saved. */
export type Cell = string | number | boolean | undefined;

/** Words are the cells of a row by the names that its columns have in a file. */
export type Words = Record<string, Cell>;

/** holds says whether one of the cells contains what is looked for, in whatever case. */
export function holds(row: Words, query: string): boolean {
  const wanted = query.toLowerCase();
  return Object.values(row).some((cell) => String(cell ?? '').toLowerCase().includes(wanted));
}

/** rowsToCSV writes rows below the names of their columns. */
export function rowsToCSV(rows: readonly Words[]): string {
  const [first] = rows;
  return first ? toCSV([Object.keys(first), ...rows.map((row) => Object.values(row))]) : '';
}

/** toCSV writes rows as RFC 4180, with a guard against cells that a spreadsheet would run. */
export function toCSV(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => row.map(cellText).join(',') + '\r\n').join('');
}

function cellText(value: Cell): string {
  if (typeof value === 'number') return String(value);
  let text = String(value ?? '');
  if (/^[=+\-@\t\r\n＝＋－＠]/.test(text)) text = "'" + text;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** saveFile hands a text to the browser's downloads. */
export function saveFile(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob(['\uFEFF', text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
