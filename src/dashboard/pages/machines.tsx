// Machines: those that jobs act on, by class, what runs there, and why one takes no jobs.
import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { IconPlus, IconServer2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import type { MachineShape } from '../../contract/index.ts';
import { CommandLine } from '../components/copy.tsx';
import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { useRights } from '../frame/session.tsx';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { AddMachines } from '../machines/add-machines.tsx';
import { MachineTable } from '../machines/machine-table.tsx';
import { queries } from '../queries.ts';

export function MachinesPage() {
  useDocumentTitle('Machines');
  const list = useQuery(queries.machines());
  const { actor } = useRights();
  const [adding, setAdding] = useState(false);
  // Machines are there for all experiments.
  const mayChange = actor !== null && actor.role === 'admin' && actor.experiments === null;
  useShortcuts(mayChange ? [{ keys: 'n', label: 'Add machines', run: () => setAdding(true) }] : []);
  const machines = list.data?.machines ?? [];
  return (
    <Stack gap="md" maw={1180} mx="auto">
      <Group justify="space-between" wrap="wrap">
        <div>
          <Title order={1}>Machines</Title>
          {machines.length === 0 ? null : (
            <Text size="sm" c="dimmed" className="dr-num">
              {summary(machines)}
            </Text>
          )}
        </div>
        {mayChange && machines.length > 0 ? (
          <Button leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
            Add machines
          </Button>
        ) : null}
      </Group>
      {list.isPending ? <LoadingRows rows={5} /> : null}
      {list.isError ? <ErrorNotice error={list.error} retry={() => void list.refetch()} /> : null}
      {list.isSuccess && machines.length === 0 ? <NoMachines add={mayChange ? () => setAdding(true) : null} /> : null}
      {machines.length === 0 ? null : (
        <div className="dr-card">
          <MachineTable machines={machines} mayChange={mayChange} />
        </div>
      )}
      <AddMachines opened={adding} close={() => setAdding(false)} classes={classesOf(machines)} />
    </Stack>
  );
}

const COUNTED: readonly [MachineShape['state'], string][] = [
  ['running', 'running a job'],
  ['ready', 'ready'],
  ['quarantined', 'in quarantine'],
  ['disabled', 'disabled'],
  ['no_driver', 'without a driver'],
  ['silent', 'silent'],
];

function summary(machines: readonly MachineShape[]): string {
  const parts = COUNTED.flatMap(([state, words]) => {
    const count = machines.filter((machine) => machine.state === state).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  return `${machines.length} ${machines.length === 1 ? 'machine' : 'machines'}: ${parts.join(', ')}`;
}

function classesOf(machines: readonly MachineShape[]): string[] {
  return [...new Set(machines.flatMap(({ machine_class }) => machine_class ?? []))];
}

function NoMachines({ add }: { readonly add: (() => void) | null }) {
  return (
    <div className="dr-card">
      <Empty icon={IconServer2} title="No machine yet">
        <Text size="sm" c="dimmed" maw={520}>
          Start an agent on a machine, and it is listed here. A machine on which nothing is to be installed is added to a class; an agent elsewhere drives it.
        </Text>
        {add === null ? null : (
          <Button leftSection={<IconPlus size={14} />} onClick={add} my="xs">
            Add machines
          </Button>
        )}
        <Stack gap={6} w="100%" maw={620} mt="xs">
          <CommandLine text="drover worker start --class gpu" />
          <CommandLine text="drover machine add node7.example.org:22 foo" />
        </Stack>
      </Empty>
    </div>
  );
}
