// A name and what it stands for, in a list of facts.
import type { ReactNode } from 'react';

import { CopyIcon } from './copy.tsx';

interface FactProps {
  readonly name: string;
  readonly copy?: string | null;
  readonly children: ReactNode;
}

export function Fact({ name, copy = null, children }: FactProps) {
  return (
    <div className="dr-fact" data-long={copy !== null && isLong(copy) ? true : undefined}>
      <dt>{name}</dt>
      <dd>
        <span className="dr-fact-value">{children}</span>
        {copy === null ? null : <CopyIcon text={copy} what={name.toLowerCase()} />}
      </dd>
    </div>
  );
}

const LONG = 16;

/** In a narrow column it has lines of its own below its name. */
export function isLong(text: string): boolean {
  return text.length > LONG;
}
