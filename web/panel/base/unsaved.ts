// What a page holds that would be lost if it were loaded anew: what was typed and not saved, an open dialog (a password
// may be shown there, for the only time), and whatever a page marks with data-keep.

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

const touched = new Set<Control>();
const many = 64; // from here on those that are gone from the page are forgotten

/** watchInput remembers from now on what the person types and chooses. */
export function watchInput(): void {
  document.addEventListener('input', (event) => note(event.target as Control), true);
}

function note(control: Control): void {
  if (touched.size >= many) for (const one of touched) if (!one.isConnected) touched.delete(one);
  touched.add(control);
}

/** holdsInput says whether loading the page anew would lose something. Words to search for stand in the address. */
export function holdsInput(): boolean {
  for (const one of touched) {
    if (!one.isConnected) touched.delete(one);
    else if (one.type !== 'search' && one.value !== '') return true;
  }
  return document.querySelector('[role=dialog], dialog[open], [data-keep]') !== null;
}
