// The frame of every page behind the login: header, place, live state, theme, keys.
import { ActionIcon, Box, Group, Loader, Menu, Text, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconDotsVertical, IconKeyboard, IconLogout, IconMoon, IconServer2, IconSun } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { Fragment, useEffect } from 'react';

import { api, isUnauthenticated } from '../api.ts';
import { ConfirmProvider } from '../components/confirm.tsx';
import { ErrorNotice } from '../components/states.tsx';
import { LiveProvider } from '../live/live-provider.tsx';
import { loadAllPages } from '../pages.ts';
import { queries } from '../queries.ts';
import { renewStream } from '../live/live-stream.ts';
import { LiveControl } from './live-control.tsx';
import { Logo } from './logo.tsx';
import { Palette, PaletteButton } from './palette.tsx';
import { useRights } from './session.tsx';
import { ShortcutsProvider, useShortcuts, useShowHelp } from './shortcuts.tsx';

export function AppFrame() {
  const session = useQuery(queries.session());
  const { experiment } = useParams({ strict: false });
  useEffect(() => {
    if (session.isSuccess) void loadAllPages();
  }, [session.isSuccess]);
  if (session.isPending || (session.isError && isUnauthenticated(session.error))) {
    return (
      <Box p={80} ta="center">
        <Loader aria-label="Loading" />
      </Box>
    );
  }
  if (session.isError) {
    return (
      <Box p="xl" maw={560} mx="auto">
        <ErrorNotice error={session.error} retry={() => void session.refetch()} />
      </Box>
    );
  }
  return (
    <LiveProvider experiment={experiment ?? null}>
      <ShortcutsProvider>
        <ConfirmProvider>
          <a className="dr-skip" href="#main">
            Skip to the content
          </a>
          <Header />
          <Palette />
          <main id="main" className="dr-main" tabIndex={-1}>
            <Outlet />
          </main>
        </ConfirmProvider>
      </ShortcutsProvider>
    </LiveProvider>
  );
}

function Header() {
  const navigate = useNavigate();
  useShortcuts([
    { keys: 'g h', label: 'Go home: all experiments', run: () => void navigate({ to: '/' }) },
    { keys: 'g a', label: 'Go to all machines', run: () => void navigate({ to: '/machines' }) },
  ]);
  return (
    <header className="dr-header">
      <Link to="/" className="dr-brand" aria-label="Drover: all experiments">
        <Logo />
        <span>Drover</span>
      </Link>
      <Place />
      <Group gap={6} ml="auto" wrap="nowrap">
        <PaletteButton />
        <LiveControl />
        <ThemeSwitch />
        <MoreMenu />
      </Group>
    </header>
  );
}

function Place() {
  const { experiment, number } = useParams({ strict: false });
  if (experiment === undefined) return null;
  const steps = [
    <Link key="experiment" to="/experiments/$experiment/jobs" params={{ experiment }} className="dr-place-step dr-truncate">
      {experiment}
    </Link>,
  ];
  if (number !== undefined) {
    steps.push(
      <span key="number" className="dr-place-step dr-num" aria-current="page">
        {number}
      </span>,
    );
  }
  return (
    <nav aria-label="Breadcrumbs" className="dr-place">
      {steps.map((step) => (
        <Fragment key={step.key}>
          <span className="dr-place-slash" aria-hidden>
            /
          </span>
          {step}
        </Fragment>
      ))}
    </nav>
  );
}

function ThemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  useShortcuts([{ keys: 't', label: 'Switch between light and dark', run: () => setColorScheme(other) }]);
  return (
    <Tooltip label={`Switch to ${other}`}>
      <ActionIcon onClick={() => setColorScheme(other)} aria-label={`Switch to ${other} colours`}>
        {scheme === 'dark' ? <IconSun size={17} /> : <IconMoon size={17} />}
      </ActionIcon>
    </Tooltip>
  );
}

function MoreMenu() {
  const { actor } = useRights();
  const session = useQuery(queries.session());
  const showHelp = useShowHelp();
  const logout = async (): Promise<void> => {
    await api.access.logout({}).catch(() => undefined);
    await renewStream();
    window.location.assign('/login');
  };
  return (
    <Menu position="bottom-end" width={240} shadow="md">
      <Menu.Target>
        <ActionIcon aria-label="More">
          <IconDotsVertical size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {actor === null ? null : (
          <Menu.Label>
            <Text size="sm" fw={600} c="var(--mantine-color-text)">
              {actor.name}
            </Text>
            <Text size="xs">
              {actor.role}
              {actor.experiments === null ? '' : ` of ${actor.experiments.join(', ')}`}
            </Text>
          </Menu.Label>
        )}
        <Menu.Divider />
        <Menu.Item leftSection={<IconServer2 size={16} />} component={Link} to="/machines">
          Machines
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} />} onClick={showHelp} rightSection={<Text size="xs">?</Text>}>
          Keys
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void logout()}>
          Log out
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>Drover {session.data?.server.version}</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}
