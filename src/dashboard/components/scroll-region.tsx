// A part of the page that scrolls by itself, by keyboard too.
import type { CSSProperties, ReactNode } from 'react';

interface Props {
  readonly label: string;
  readonly className?: string;
  readonly style?: CSSProperties;
  readonly children: ReactNode;
}

export function ScrollRegion({ label, className, style, children }: Props) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
    <section className={`dr-scroll-x ${className ?? ''}`} style={style} tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
