// The parts of the panel that are loaded when they are wanted: pages, dialogs, charts, texts. One that doesn't come, since
// a phone changes its network or the server was updated, is asked for again; nothing typed is thrown away for it.
import { holdsInput, watchInput } from './unsaved';

/** Trouble is why a part is still missing: the server doesn't answer, or only loading the whole page anew helps. */
export type Trouble = 'away' | 'outdated';

interface Missing {
  load: () => Promise<unknown>;
  settle: (part: unknown) => void;
  signal?: AbortSignal;
}

const pauses = [300, 1000, 2500, 5000, 10_000, 15_000]; // milliseconds before each further try; the last one stays
const soon = 1000; // milliseconds before the next try when the server answers, but not with the part
const stubborn = 3; // tries that fail although the server answers: this browser keeps failures for good
const patience = 10_000; // milliseconds for the server to answer
const calm = 10_000; // milliseconds within which the page isn't loaded anew twice
const reloaded = 'tsunagi.reloaded'; // sessionStorage: when that was

let missing: Missing[] = [];
let mending = false;
let leaving = false; // for another page: nothing may stop that
let trouble = $state<Trouble>();
let wake = () => {};
const unstyled = new Set<HTMLLinkElement>(); // style sheets that did not come

/** troubled says why a part is missing for longer than a moment; reading it in a template follows changes. */
export const troubled = (): Trouble | undefined => trouble;

/** again has what is missing tried at once. */
export const again = (): void => wake();

/** renew loads the page anew: what isn't saved is lost. */
export const renew = (): void => location.reload();

/** watchParts is called once, before the first part is wanted. */
export function watchParts(): void {
  watchInput();
  window.addEventListener('beforeunload', () => (leaving = true));
  window.addEventListener('pageshow', () => (leaving = false)); // the person came back
  window.addEventListener('online', () => wake());
  const failed = ({ target }: Event) => {
    if (target instanceof HTMLLinkElement && target.rel === 'stylesheet') unstyled.add(target);
  };
  window.addEventListener('error', failed, true);
}

/**
 * part gives what load imports. Where that fails it is tried again until it comes, so it rejects never; who no longer
 * wants it says so by signal, and it stays open.
 */
export async function part<T>(load: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    if (await styled()) return await load();
  } catch {
    // below
  }
  return new Promise<T>((resolve) => {
    missing.push({ load, settle: resolve as (part: unknown) => void, signal });
    if (!mending) void mend();
  });
}

/** mend tries until nothing is missing. */
async function mend(): Promise<void> {
  mending = true;
  let answered = 0;
  for (let round = 0; ; round++) {
    await pause(answered > 0 && answered < stubborn ? soon : pauses[Math.min(round, pauses.length - 1)]!);
    if (await styled()) await Promise.all(missing.map(attempt));
    if (!someMissing()) break;
    const found = await judge();
    if (!someMissing()) break;
    answered = found === 'here' ? answered + 1 : 0;
    const now = found !== 'here' ? found : answered >= stubborn ? 'outdated' : undefined;
    if (now === 'outdated' && trouble !== now && mayReload()) renew();
    else trouble = now;
  }
  trouble = undefined;
  mending = false;
}

/** someMissing forgets what is no longer wanted. */
function someMissing(): boolean {
  missing = missing.filter((one) => !one.signal?.aborted);
  return missing.length > 0;
}

async function attempt(one: Missing): Promise<void> {
  if (one.signal?.aborted) return;
  try {
    one.settle(await one.load());
    missing = missing.filter((other) => other !== one);
  } catch {
    // it stays missing
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** styled asks again for the style sheets that did not come: a part that needs one comes without asking for it again. */
async function styled(): Promise<boolean> {
  const sheets = await Promise.all([...unstyled].map(sheet));
  return sheets.every(Boolean);
}

function sheet(lost: HTMLLinkElement): Promise<boolean> {
  return new Promise((resolve) => {
    const fresh = lost.cloneNode() as HTMLLinkElement;
    fresh.onload = () => {
      unstyled.delete(lost);
      lost.remove();
      resolve(true);
    };
    fresh.onerror = () => {
      unstyled.delete(fresh);
      fresh.remove();
      resolve(false);
    };
    lost.after(fresh);
  });
}

/** judge asks the server for the first page: it doesn't answer, it has another version of the pages, or it is here with this one. */
async function judge(): Promise<Trouble | 'here'> {
  try {
    const answer = await fetch('/', { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(patience) });
    if (!answer.ok) return 'away';
    const page = await answer.text();
    const begin = document.querySelector<HTMLScriptElement>('script[type=module][src]');
    return begin && !page.includes(new URL(begin.src).pathname) ? 'outdated' : 'here';
  } catch {
    return 'away';
  }
}

/** mayReload says whether the page may be loaded anew unasked, and remembers that it is. */
function mayReload(): boolean {
  if (leaving || holdsInput()) return false;
  try {
    if (Date.now() - Number(sessionStorage.getItem(reloaded) ?? 0) < calm) return false;
    sessionStorage.setItem(reloaded, String(Date.now()));
    return true;
  } catch {
    return false; // without a memory it might be loaded anew for ever
  }
}
