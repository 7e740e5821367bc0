// A URL that leads nowhere, and a page that broke.
import { Button, Stack, Text } from '@mantine/core';
import { IconMapOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import { Logo } from '../frame/logo.tsx';
import { Empty, ErrorNotice } from '../components/states.tsx';

export function NotFoundPage() {
  return (
    <Empty icon={IconMapOff} title="There is no such page">
      <Text size="sm" c="dimmed">
        The address may be mistyped, or what it named was deleted.
      </Text>
      <Button component={Link} to="/" variant="default">
        All experiments
      </Button>
    </Empty>
  );
}

/** Outside the frame of the other pages. */
export function LostPage() {
  return (
    <div className="dr-login">
      <main className="dr-card dr-login-card" id="main">
        <Stack align="center">
          <Logo size={40} />
        </Stack>
        <NotFoundPage />
      </main>
    </div>
  );
}

export function PageError({ error }: { readonly error: unknown }) {
  return (
    <Stack p="xl" maw={640} mx="auto">
      <ErrorNotice error={error} retry={() => window.location.reload()} />
    </Stack>
  );
}
