// The frame of an experiment's tabs: its name, its state and the way to its parts.
import { Box, Button, Group, Text, Title } from '@mantine/core';
import { IconArrowLeft, IconChartBar, IconGridDots, IconListDetails, IconPlayerPause, IconServer2, IconSettings, type Icon } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';

import { ApiError } from '../../contract/index.ts';
import { ErrorNotice } from '../components/states.tsx';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { queries } from '../queries.ts';

const TABS = [
  { to: '/experiments/$experiment/jobs', label: 'Jobs', icon: IconListDetails, keys: 'g j' },
  { to: '/experiments/$experiment/matrices', label: 'Matrices', icon: IconGridDots, keys: 'g m' },
  { to: '/experiments/$experiment/charts', label: 'Charts', icon: IconChartBar, keys: 'g c' },
  { to: '/experiments/$experiment/workers', label: 'Workers', icon: IconServer2, keys: 'g w' },
  { to: '/experiments/$experiment/settings', label: 'Settings', icon: IconSettings, keys: 'g s' },
] as const satisfies readonly { to: string; label: string; icon: Icon; keys: string }[];

export function ExperimentPage() {
  const { experiment: name } = useParams({ from: '/frame/experiments/$experiment/tabs' });
  const experiment = useQuery(queries.experiment(name));
  const navigate = useNavigate();
  useShortcuts(TABS.map((tab) => ({ keys: tab.keys, label: `Go to ${tab.label}`, run: () => void navigate({ to: tab.to, params: { experiment: name } }) })));
  const tabs = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // On a phone not all of them fit: the open one is in sight.
  useEffect(() => {
    const show = (): void => tabs.current?.querySelector('[aria-current=page]')?.scrollIntoView({ inline: 'nearest', block: 'nearest' });
    show();
    window.addEventListener('resize', show);
    return () => window.removeEventListener('resize', show);
  }, [pathname, experiment.isError]);
  if (experiment.isError) {
    const isUnknown = experiment.error instanceof ApiError && experiment.error.code === 'experiment_not_found';
    return (
      <Box maw={640} mx="auto">
        {isUnknown ? (
          <ErrorNotice title="No such experiment" error={experiment.error} />
        ) : (
          <ErrorNotice error={experiment.error} retry={() => void experiment.refetch()} />
        )}
        <Button mt="md" variant="default" leftSection={<IconArrowLeft size={14} />} component={Link} to="/">
          All experiments
        </Button>
      </Box>
    );
  }
  return (
    <>
      <Group gap="sm" align="center" mb={6}>
        <Title order={1}>{name}</Title>
        {(experiment.data?.held_at ?? null) === null ? null : (
          <span className="dr-status" data-status="held">
            <IconPlayerPause size={14} aria-hidden /> Queue held
          </span>
        )}
        <Text size="sm" c="dimmed" lineClamp={1} className="dr-description">
          {experiment.data?.description}
        </Text>
      </Group>
      <nav className="dr-tabs" aria-label="Parts of the experiment" ref={tabs}>
        {TABS.map(({ to, label, icon: Symbol }) => (
          <Link key={to} to={to} params={{ experiment: name }} className="dr-tab" activeOptions={{ includeSearch: false }}>
            <Symbol size={16} stroke={1.8} aria-hidden />
            {label}
          </Link>
        ))}
      </nav>
      <Outlet />
    </>
  );
}
