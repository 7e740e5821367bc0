/** Soon after the page is there, when nothing else is to be done. Not every browser tells when that is. */
export function whenIdle(act: () => void): void {
  if (typeof requestIdleCallback === 'function') requestIdleCallback(act, { timeout: 2_000 });
  else setTimeout(act, 500);
}
