// The keyboard that a phone shows covers the lower end of the window without making the window smaller. What is fixed
// there has to move above it.

/** Room is what is left of the window, in CSS pixels. */
export interface Room {
  covered: number; // at the lower end
  height: number; // that is seen
}

/** least is the smallest cover that is taken for a keyboard: bars of a browser that come and go are smaller. */
const least = 120;

/** room tells what a keyboard leaves of a window; undefined without one, and while the page is magnified. */
export function room(windowHeight: number, view: Pick<VisualViewport, 'height' | 'offsetTop' | 'scale'> | null): Room | undefined {
  if (!view || view.scale > 1.05) return undefined;
  const covered = Math.round(windowHeight - view.height - view.offsetTop);
  return covered < least ? undefined : { covered, height: Math.round(view.height) };
}

/** watchRoom tells the room now and at each change, until the function it returns is called. */
export function watchRoom(tell: (now: Room | undefined) => void): () => void {
  const view = window.visualViewport;
  const look = () => tell(room(Math.max(window.innerHeight, document.documentElement.clientHeight), view));
  look();
  view?.addEventListener('resize', look);
  view?.addEventListener('scroll', look); // some browsers move the page under the window
  return () => {
    view?.removeEventListener('resize', look);
    view?.removeEventListener('scroll', look);
  };
}
