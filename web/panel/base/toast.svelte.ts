// Short notes at the edge of the page, read out by screen readers.

export interface Toast {
  id: number;
  text: string;
  kind: 'ok' | 'bad';
}

const shownFor = 5000; // milliseconds
const atMost = 3;

let toasts = $state.raw<Toast[]>([]);
let last = 0;

export function currentToasts(): Toast[] {
  return toasts;
}

/** toast shows a note; the oldest gives way when there are too many. */
export function toast(text: string, kind: Toast['kind'] = 'ok'): void {
  const id = ++last;
  toasts = [...toasts, { id, text, kind }].slice(-atMost);
  setTimeout(() => dismiss(id), shownFor);
}

export function dismiss(id: number): void {
  toasts = toasts.filter((one) => one.id !== id);
}
