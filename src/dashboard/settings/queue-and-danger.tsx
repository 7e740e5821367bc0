// Holding the queue, and deleting the experiment.
import { Alert, Button, Group, Text, TextInput } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import type { ExperimentShape } from '../../contract/index.ts';
import { api, errorSentence } from '../api.ts';
import { countText } from '../components/bytes.ts';
import { Moment } from '../components/time.tsx';
import { toastDone } from '../components/toast.ts';
import { Section } from './section.tsx';

export function QueueSection({ experiment }: { readonly experiment: ExperimentShape }) {
  const client = useQueryClient();
  const held = experiment.held_at !== null;
  const change = useMutation({
    mutationFn: () => api.experiments.change({ params: { experiment: experiment.name }, body: { held: !held } }),
    onSuccess: (next) => {
      client.setQueryData(['experiment', experiment.name], next);
      toastDone(held ? 'The queue runs again' : 'The queue is held');
    },
  });
  return (
    <Section title="Queue" hint="While the queue is held, no job is handed out. Running jobs go on; nothing loses its place.">
      <Group gap="md">
        <Button
          variant={held ? 'filled' : 'default'}
          leftSection={held ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
          loading={change.isPending}
          onClick={() => change.mutate()}
        >
          {held ? 'Let the queue run' : 'Hold the queue'}
        </Button>
        <Text size="sm" c="dimmed">
          {experiment.held_at === null ? `${countText(experiment.counts.pending)} pending` : <Moment at={experiment.held_at} prefix="held " />}
        </Text>
      </Group>
      {change.isError ? (
        <Alert color="red" variant="light" role="alert">
          {errorSentence(change.error)}
        </Alert>
      ) : null}
    </Section>
  );
}

export function DangerSection({ experiment }: { readonly experiment: ExperimentShape }) {
  return (
    <Section danger title="Delete this experiment" hint={deletionText(experiment)}>
      <DeleteExperiment experiment={experiment} />
    </Section>
  );
}

export function deletionText({ counts }: ExperimentShape): string {
  return `Its ${countText(counts.total)} jobs go, with all their logs, metrics and files. This cannot be taken back. It is refused while jobs run.`;
}

export function DeleteExperiment({ experiment }: { readonly experiment: ExperimentShape }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const remove = useMutation({
    mutationFn: () => api.experiments.remove({ params: { experiment: experiment.name }, query: { confirm: typed } }),
    onSuccess: async () => {
      await navigate({ to: '/' });
      client.removeQueries({ queryKey: ['experiment', experiment.name] });
      await client.invalidateQueries({ queryKey: ['experiments'] });
      toastDone(`Deleted ${experiment.name}`);
    },
  });
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          remove.mutate();
        }}
      >
        <Group align="flex-end" gap="xs">
          <TextInput
            label={`Type ${experiment.name} to confirm`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            w={300}
            autoComplete="off"
            spellCheck={false}
          />
          <Button type="submit" size="sm" color="red" leftSection={<IconTrash size={14} />} disabled={typed !== experiment.name} loading={remove.isPending}>
            Delete {experiment.name}
          </Button>
        </Group>
      </form>
      {remove.isError ? (
        <Alert color="red" variant="light" role="alert">
          {errorSentence(remove.error)}
        </Alert>
      ) : null}
    </>
  );
}
