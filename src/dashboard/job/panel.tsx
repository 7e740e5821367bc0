// A titled card of the job page.
import { Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  readonly title: string;
  readonly count?: number | undefined;
  readonly action?: ReactNode;
  readonly flush?: boolean;
  /** On a narrow screen it stands below the output. */
  readonly late?: boolean;
  /** Only its head is shown. */
  readonly closed?: boolean;
  readonly children: ReactNode;
}

export function Panel({ title, count, action, flush = false, late = false, closed = false, children }: Props) {
  return (
    <section className="dr-card dr-panel" aria-label={title} data-late={late ? true : undefined}>
      <div className="dr-panel-head">
        <Title order={2} size="h3">
          {title}
        </Title>
        {count === undefined || count === 0 ? null : (
          <Text span size="xs" c="dimmed" className="dr-num">
            {count}
          </Text>
        )}
        <span style={{ marginLeft: 'auto', display: 'inline-flex', gap: 6, alignItems: 'center' }}>{action}</span>
      </div>
      {closed ? null : <div className={flush ? undefined : 'dr-panel-body'}>{children}</div>}
    </section>
  );
}
