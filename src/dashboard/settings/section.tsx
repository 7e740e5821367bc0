// One titled block of the settings page.
import { Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  readonly title: string;
  readonly hint: ReactNode;
  readonly danger?: boolean;
  readonly children: ReactNode;
}

export function Section({ title, hint, danger = false, children }: Props) {
  return (
    <section className="dr-card dr-section" data-danger={danger ? true : undefined}>
      <div className="dr-section-head">
        <Title order={2}>{title}</Title>
        <Text size="sm" c="dimmed">
          {hint}
        </Text>
      </div>
      <Stack gap="sm" className="dr-section-body">
        {children}
      </Stack>
    </section>
  );
}
