// The keys of the command palette. A single character can be switched off, as WCAG 2.1.4 wants it: who talks to the
// computer, or hits keys by accident, would open it without meaning to.

const remembered = 'tsunagi.slash'; // localStorage: a taste of this browser, not a secret

function saved(): boolean {
  try {
    return localStorage.getItem(remembered) !== 'off';
  } catch {
    return true; // a browser without storage, where nothing could be switched off
  }
}

let on = $state(saved());

/** slash says whether / alone opens the palette. */
export const slash = (): boolean => on;

/** useSlash switches it, for this browser. */
export function useSlash(to: boolean): void {
  on = to;
  try {
    if (to) localStorage.removeItem(remembered);
    else localStorage.setItem(remembered, 'off');
  } catch {
    // it holds until the page is left
  }
}

/** Pressed is what is looked at of a key. */
export type Pressed = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'isComposing' | 'defaultPrevented'>;

/** opens says whether a key opens the palette; typing: the focus is where characters are typed. */
export function opens(event: Pressed, typing: boolean, single = on): boolean {
  if (event.altKey || event.isComposing || event.defaultPrevented) return false;
  if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === 'k' && !event.shiftKey;
  return single && !typing && event.key === '/'; // with Shift on many keyboards
}

/** types says whether an element takes characters: a field, a list that is chosen from by letters, an editor. */
export function types(element: Element | null): boolean {
  return element !== null && (element.closest('input, textarea, select, [role="textbox"], [role="combobox"], [role="listbox"]') !== null || (element instanceof HTMLElement && element.isContentEditable));
}
