// Keys that walk the rows of a list and select them. The link of a row is marked with `data-row-link`.
import type { Shortcut } from '../frame/shortcuts.tsx';

export function rowKeys(toggle: ((link: HTMLElement) => void) | null): Shortcut[] {
  return [
    { keys: 'j', label: 'Next row (Enter opens it)', run: () => moveRow(1) },
    { keys: 'k', label: 'Previous row', run: () => moveRow(-1) },
    ...(toggle === null ? [] : [{ keys: 'x', label: 'Select the row', run: () => withFocusedRow(toggle) }]),
  ];
}

function moveRow(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('[data-row-link]')];
  const at = links.findIndex((link) => link === document.activeElement);
  const next = at === -1 ? (step === 1 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, at + step));
  links[next]?.focus();
}

/** Does something with the row whose link has the focus. */
export function withFocusedRow(act: (link: HTMLElement) => void): void {
  const focused = document.activeElement;
  if (focused instanceof HTMLElement && focused.dataset['rowLink'] !== undefined) act(focused);
}
