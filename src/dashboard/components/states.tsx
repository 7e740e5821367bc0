// What a place shows when it has nothing to show: loading, an error with a way on, or the next step.
import { Alert, Button, Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconRefresh, type Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';

import { errorSentence } from '../api.ts';

interface ErrorProps {
  readonly error: unknown;
  readonly title?: string;
  readonly retry?: (() => void) | undefined;
}

export function ErrorNotice({ error, title = 'This could not be loaded', retry }: ErrorProps) {
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />} title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{errorSentence(error)}</Text>
        {retry === undefined ? null : (
          <Button variant="default" leftSection={<IconRefresh size={14} />} onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

interface EmptyProps {
  readonly icon: Icon;
  readonly title: string;
  readonly children?: ReactNode;
}

export function Empty({ icon: Symbol, title, children }: EmptyProps) {
  return (
    <Stack align="center" gap="xs" py={36} px="md" ta="center">
      <Symbol size={30} stroke={1.4} color="var(--mantine-color-dimmed)" aria-hidden />
      <Text fw={600}>{title}</Text>
      {children}
    </Stack>
  );
}

export function LoadingRows({ rows = 6, height = 34 }: { readonly rows?: number; readonly height?: number }) {
  return (
    <output aria-busy="true" aria-label="Loading" style={{ display: 'block' }}>
      <Stack gap={8} p="md">
        {Array.from({ length: rows }, (_, index) => (
          <Skeleton key={index} height={height - 12} radius="sm" />
        ))}
      </Stack>
    </output>
  );
}
