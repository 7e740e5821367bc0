// A link within the dashboard that does not follow the address itself, as the router's own links do: a table has hundreds of them.
import { useRouter } from '@tanstack/react-router';
import type { ComponentPropsWithRef, MouseEvent } from 'react';

import { stringifySearch } from '../search-params.ts';

interface Props extends ComponentPropsWithRef<'a'> {
  readonly href: string;
  /** The page stays where it was scrolled to. */
  readonly stay?: boolean;
  /** What is waited for before going there. */
  readonly ahead?: () => Promise<void>;
}

export function PlainLink({ href, stay = false, ahead, onClick, children, ...props }: Props) {
  const router = useRouter();
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    // With these keys, a browser opens a tab or a window.
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const go = (): void => void router.navigate({ href, resetScroll: !stay });
    if (ahead === undefined) go();
    else void ahead().then(go);
  };
  return (
    <a {...props} href={href} onClick={follow}>
      {children}
    </a>
  );
}

export function jobHref({ experiment, number }: { readonly experiment: string; readonly number: number }): string {
  return `/experiments/${encodeURIComponent(experiment)}/jobs/${number}`;
}

export function workerHref(experiment: string, worker: string): string {
  return `/experiments/${encodeURIComponent(experiment)}/workers${stringifySearch({ worker })}`;
}
