// Keys that walk the rows of the list and select them.
import type { Shortcut } from '../frame/shortcuts.tsx';

export function rowKeys(toggle: (number: number) => void): Shortcut[] {
  return [
    { keys: 'j', label: 'Next row (Enter opens it)', run: () => moveRow(1) },
    { keys: 'k', label: 'Previous row', run: () => moveRow(-1) },
    { keys: 'x', label: 'Select the row', run: () => toggleRow(toggle) },
  ];
}

function moveRow(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('[data-row-link]')];
  const at = links.findIndex((link) => link === document.activeElement);
  const next = at === -1 ? (step === 1 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, at + step));
  links[next]?.focus();
}

/** The row whose link has the focus. */
function toggleRow(toggle: (number: number) => void): void {
  const focused = document.activeElement;
  if (focused instanceof HTMLElement && focused.dataset['rowLink'] !== undefined) toggle(Number(focused.textContent));
}
