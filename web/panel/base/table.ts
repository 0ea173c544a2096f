/** Column of a Table: main is the thing's name, actions its buttons, number is set flush right. */
export interface Column {
  id: string;
  label: string;
  kind?: 'main' | 'number' | 'actions';
}

/** toCSV writes rows as RFC 4180, with a guard against cells that a spreadsheet would run. */
export function toCSV(rows: readonly (readonly (string | number | boolean | undefined)[])[]): string {
  return rows.map((row) => row.map(cellText).join(',') + '\r\n').join('');
}

function cellText(value: string | number | boolean | undefined): string {
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
