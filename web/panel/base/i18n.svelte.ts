// Texts of the pages. One catalogue, web/locales/*.json, is shared with the Go side;
// only the language in use is loaded.
import type catalogue from '../../locales/en.json';
import { part } from './parts.svelte';
import { fill, type Values } from './text';

export type Key = keyof typeof catalogue;
export type Language = 'en' | 'ja';
type Catalogue = Record<Key, string>;

/** Languages with their own names; a language is always offered in its own words. */
export const languages: { id: Language; name: string }[] = [
  { id: 'en', name: 'English' },
  { id: 'ja', name: '日本語' },
];

const loaders: Record<Language, () => Promise<{ default: unknown }>> = {
  en: () => import('../../locales/en.json'),
  ja: () => import('../../locales/ja.json'),
};

const remembered = 'tsunagi.language'; // localStorage; a taste, not a secret

let language = $state<Language>('en');
let texts = $state.raw<Catalogue>();

/** t gives the text of a key in the language of the page, its {placeholders} filled. */
export function t(key: Key, values?: Values): string {
  return fill(texts?.[key] ?? key, values);
}

/** currentLanguage is the language of the page; reading it in a template follows changes. */
export function currentLanguage(): Language {
  return language;
}

export function isLanguage(id: unknown): id is Language {
  return id === 'en' || id === 'ja';
}

/** useLanguage loads the texts of a language and shows the page in it. */
export async function useLanguage(id: Language): Promise<void> {
  const loaded = await part(loaders[id]);
  texts = loaded.default as Catalogue;
  language = id;
  document.documentElement.lang = id;
  try {
    localStorage.setItem(remembered, id);
  } catch {
    // a browser without storage forgets; nothing else depends on it
  }
}

/** firstLanguage is the one used before anybody signed in: chosen here earlier, else the browser's. */
export function firstLanguage(): Language {
  let saved: string | null = null;
  try {
    saved = localStorage.getItem(remembered);
  } catch {
    // see above
  }
  if (isLanguage(saved)) return saved;
  for (const wish of navigator.languages) {
    const id = wish.slice(0, 2).toLowerCase();
    if (isLanguage(id)) return id;
  }
  return 'en';
}
