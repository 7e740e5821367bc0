// Said where jobs wait and nothing will take them: the queue is held, or no worker is connected; with the command that starts one.
import { Alert, Button, Group, Text } from '@mantine/core';
import { IconPlayerPause, IconPlugConnectedX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import type { ExperimentShape } from '../../contract/index.ts';
import { countText } from '../components/bytes.ts';
import { CommandLine } from '../components/copy.tsx';

export function startCommand(experiment: string): string {
  return `drover worker start --experiment ${experiment} --workers 2`;
}

export function NoWorker({ experiment }: { readonly experiment: ExperimentShape }) {
  const { counts, workers, name } = experiment;
  if (counts.pending === 0) return null;
  if (experiment.held_at !== null) {
    return (
      <Alert color="yellow" variant="light" icon={<IconPlayerPause size={18} />} title="The queue is held" p="sm">
        <Group gap="sm">
          <Text size="sm">No job is handed out until it is let go. Running jobs go on.</Text>
          <Button
            variant="default"
            size="compact-xs"
            renderRoot={(props) => <Link to="/experiments/$experiment/settings" params={{ experiment: name }} {...props} />}
          >
            Settings
          </Button>
        </Group>
      </Alert>
    );
  }
  if (workers.idle + workers.busy > 0) return null;
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconPlugConnectedX size={18} />}
      title={`${countText(counts.pending)} ${counts.pending === 1 ? 'job is' : 'jobs are'} waiting, but no worker is connected`}
      p="sm"
    >
      <Text size="sm" mb={8}>
        Start one on any machine that reaches this server:
      </Text>
      <CommandLine text={startCommand(name)} />
    </Alert>
  );
}
