// What is told on hover and focus. One layer shows it for the whole page: what has a hint carries a plain attribute and costs nothing,
// which matters in a table with hundreds of them.
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'react';

const OPEN_MS = 300;
/** Long enough for a pointer to reach the hint itself. */
const CLOSE_MS = 120;
const GAP = 7;
const MARGIN = 6;

interface Hint {
  readonly 'data-hint': string | undefined;
}

/** To be spread over an element. */
export function hint(text: string | null): Hint {
  return { 'data-hint': text ?? undefined };
}

function hinted(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>('[data-hint]') : null;
}

/** Stands once, beside the pages. */
export function HintLayer() {
  const [shown, setShown] = useState<{ readonly element: HTMLElement; readonly text: string } | null>(null);
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => watchHints(box, (element) => setShown(element === null ? null : { element, text: element.dataset['hint'] ?? '' })), []);
  useEffect(() => {
    if (shown === null) return;
    const { element } = shown;
    const before = element.getAttribute('aria-describedby');
    element.setAttribute('aria-describedby', id);
    return () => (before === null ? element.removeAttribute('aria-describedby') : element.setAttribute('aria-describedby', before));
  }, [shown, id]);
  useLayoutEffect(() => {
    if (shown !== null && box.current !== null) place(box.current, shown.element.getBoundingClientRect());
  }, [shown]);
  if (shown === null || shown.text === '') return null;
  return (
    <div ref={box} id={id} role="tooltip" className="dr-tip">
      {shown.text}
    </div>
  );
}

/** Above the element, or below where there is no room; always within the window. */
function place(box: HTMLElement, of: DOMRect): void {
  const { width, height } = box.getBoundingClientRect();
  const left = Math.max(MARGIN, Math.min(of.left + of.width / 2 - width / 2, window.innerWidth - width - MARGIN));
  const above = of.top - height - GAP;
  box.style.left = `${left}px`;
  box.style.top = `${above >= MARGIN ? above : of.bottom + GAP}px`;
  box.style.visibility = 'visible';
}

/** Calls `show` with the element whose hint is to be shown, again when its text changes, and with null when it is to go. */
function watchHints(box: { readonly current: HTMLElement | null }, show: (element: HTMLElement | null) => void): () => void {
  let at: HTMLElement | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const follower = new MutationObserver(() => {
    if (at !== null && at.isConnected && at.dataset['hint'] !== undefined) show(at);
    else turnTo(null, 0);
  });
  function turnTo(next: HTMLElement | null, delay: number): void {
    clearTimeout(timer);
    if (next === at) return;
    timer = setTimeout(() => {
      at = next;
      follower.disconnect();
      if (next !== null) follower.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-hint'] });
      show(next);
    }, delay);
  }
  const end = new AbortController();
  const options = { signal: end.signal, passive: true };
  document.addEventListener(
    'pointerover',
    ({ target }) => {
      const element = hinted(target);
      const isInHint = target instanceof Node && box.current?.contains(target) === true;
      if (isInHint) turnTo(at, 0);
      else turnTo(element, element === null ? CLOSE_MS : OPEN_MS);
    },
    options,
  );
  // A finger says at once what it means; a pointer that presses wants to do, not to read.
  document.addEventListener('pointerdown', ({ target, pointerType }) => turnTo(pointerType === 'touch' ? hinted(target) : null, 0), options);
  document.addEventListener(
    'focusin',
    ({ target }) => (target instanceof Element && target.matches(':focus-visible') ? turnTo(hinted(target), OPEN_MS) : undefined),
    options,
  );
  document.addEventListener('focusout', () => turnTo(null, 0), options);
  document.addEventListener('scroll', () => turnTo(null, 0), { ...options, capture: true });
  document.documentElement.addEventListener('pointerleave', () => turnTo(null, 0), options);
  document.addEventListener('keydown', ({ key }) => (key === 'Escape' ? turnTo(null, 0) : undefined), { ...options, capture: true });
  return () => {
    end.abort();
    clearTimeout(timer);
    follower.disconnect();
  };
}
