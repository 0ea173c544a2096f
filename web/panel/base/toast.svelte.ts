// Short notes at the edge of the page, read out by screen readers.

export interface Toast {
  id: number;
  text: string;
  kind: 'ok' | 'bad';
  offer?: Offer;
}

/** Offer is something to do about what the note says, such as undoing it. */
export interface Offer {
  label: string;
  act: () => void;
}

const shownFor = 5000; // milliseconds
const offeredFor = 12_000;
const atMost = 3;

let toasts = $state.raw<Toast[]>([]);
let last = 0;

export function currentToasts(): Toast[] {
  return toasts;
}

/** toast shows a note; the oldest gives way when there are too many. */
export function toast(text: string, kind: Toast['kind'] = 'ok', offer?: Offer): void {
  const id = ++last;
  toasts = [...toasts, { id, text, kind, offer }].slice(-atMost);
  setTimeout(() => dismiss(id), offer ? offeredFor : shownFor);
}

export function dismiss(id: number): void {
  toasts = toasts.filter((one) => one.id !== id);
}
