// Home: every experiment that the session may see, those with problems first.
import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconFlask2, IconPlus, IconSearch, IconServer2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';

import type { ExperimentShape } from '../../contract/index.ts';
import { CommandLine } from '../components/copy.tsx';
import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { useRights } from '../frame/session.tsx';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { ExperimentCard, problemOf } from '../home/experiment-card.tsx';
import { NewExperiment } from '../home/new-experiment.tsx';
import { queries } from '../queries.ts';

/** From this many on, a field to find one by name is worth its place. */
const SEARCH_FROM = 6;

export function HomePage() {
  useDocumentTitle('Experiments');
  const list = useQuery(queries.experiments());
  const rights = useRights();
  const [creating, setCreating] = useState(false);
  const [wanted, setWanted] = useState('');
  const search = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: '/', label: 'Find an experiment', run: () => search.current?.focus() }]);
  const experiments = sortByProblem(list.data?.experiments ?? []);
  const shown = experiments.filter((experiment) => experiment.name.includes(wanted) || experiment.description.toLowerCase().includes(wanted));
  return (
    <Stack gap="md" maw={1080} mx="auto">
      <Group justify="space-between" wrap="wrap">
        <Title order={1}>Experiments</Title>
        <Group gap="xs">
          {experiments.length < SEARCH_FROM ? null : (
            <TextInput
              ref={search}
              size="xs"
              w={220}
              placeholder="Find by name"
              aria-label="Find by name"
              leftSection={<IconSearch size={14} />}
              value={wanted}
              onChange={(event) => setWanted(event.currentTarget.value.toLowerCase())}
            />
          )}
          <Button variant="default" leftSection={<IconServer2 size={14} />} renderRoot={(props) => <Link {...props} to="/machines" />}>
            Machines
          </Button>
          {rights.commands && experiments.length > 0 ? (
            <Button leftSection={<IconPlus size={14} />} onClick={() => setCreating(true)}>
              New experiment
            </Button>
          ) : null}
        </Group>
      </Group>
      {list.isPending ? <LoadingRows rows={4} height={80} /> : null}
      {list.isError ? <ErrorNotice error={list.error} retry={() => void list.refetch()} /> : null}
      {list.isSuccess && experiments.length === 0 ? <NoExperiments mayCreate={rights.commands} create={() => setCreating(true)} /> : null}
      {list.isSuccess && experiments.length > 0 && shown.length === 0 ? <Empty icon={IconSearch} title={`No experiment is called “${wanted}”`} /> : null}
      {shown.map((experiment) => (
        <ExperimentCard key={experiment.name} experiment={experiment} />
      ))}
      <NewExperiment opened={creating} close={() => setCreating(false)} />
    </Stack>
  );
}

function sortByProblem(experiments: readonly ExperimentShape[]): ExperimentShape[] {
  const rank = (experiment: ExperimentShape): number => (problemOf(experiment) === null ? 0 : 1);
  const activity = (experiment: ExperimentShape): string => experiment.last_activity_at ?? experiment.created_at;
  return [...experiments].sort((a, b) => rank(b) - rank(a) || activity(b).localeCompare(activity(a)) || a.name.localeCompare(b.name));
}

function NoExperiments({ mayCreate, create }: { readonly mayCreate: boolean; readonly create: () => void }) {
  return (
    <div className="dr-card">
      <Empty icon={IconFlask2} title="No experiment yet">
        <Text size="sm" c="dimmed" maw={480}>
          An experiment is a named set of jobs. {mayCreate ? 'Create one here, or' : 'Create one'} from a terminal on the machine where the server runs:
        </Text>
        {mayCreate ? (
          <Button leftSection={<IconPlus size={14} />} onClick={create} my="xs">
            New experiment
          </Button>
        ) : null}
        <Stack gap={6} w="100%" maw={620} mt="xs">
          <CommandLine text="drover experiment create my-sweep" />
          <CommandLine text="drover matrix add --experiment my-sweep lr=0.1,0.01 units=16,32 -- python3 train.py --lr {lr} --units {units}" />
          <CommandLine text="drover worker start --experiment my-sweep" />
        </Stack>
      </Empty>
    </div>
  );
}
