// Data that a page shows: loaded, loaded again when what it depends on changes, refreshed in time.
import { untrack } from 'svelte';
import { ApiError } from './api';

/** Load is the state of one request: value stays while a newer one is on its way. */
export class Load<T> {
  value = $state.raw<T>();
  error = $state.raw<ApiError>();
  busy = $state(false);
  #again: () => void = () => {};

  /** again repeats the request. */
  again = (): void => this.#again();

  /** follow is called by load only. */
  follow(again: () => void): void {
    this.#again = again;
  }
}

/**
 * load runs a request now and whenever reactive values that it reads before its first await
 * change; with every (milliseconds) also in intervals, as long as the page is visible.
 * Call it while a component is made; it ends with the component.
 */
export function load<T>(request: (signal: AbortSignal) => Promise<T>, every = 0): Load<T> {
  const state = new Load<T>();
  let rounds = $state(0);
  state.follow(() => rounds++);

  $effect(() => {
    void rounds;
    const stop = new AbortController();
    const first = request(stop.signal);
    untrack(() => void settle(state, first, stop.signal));
    const timer = every > 0 ? setInterval(tick, every) : undefined;

    function tick() {
      if (document.visibilityState === 'visible' && !state.busy) {
        void settle(state, request(stop.signal), stop.signal);
      }
    }
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  });
  return state;
}

async function settle<T>(state: Load<T>, request: Promise<T>, signal: AbortSignal): Promise<void> {
  state.busy = true;
  try {
    const value = await request;
    if (signal.aborted) return;
    state.value = value;
    state.error = undefined;
  } catch (cause) {
    if (signal.aborted) return;
    state.error = cause instanceof ApiError ? cause : new ApiError(0, 'internal', String(cause));
    if (state.error.status === 404) state.value = undefined; // it is gone, or the person may see it no more
  } finally {
    if (!signal.aborted) state.busy = false;
  }
}
