// Machines are added by name to a class: nothing is installed there.
import { Alert, Button, Group, Modal, Stack, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { CLASS_NAME } from '../../core/identifiers.ts';
import { machineNameProblem } from '../../core/machine.ts';
import { api, errorSentence } from '../api.ts';
import { CommandLine } from '../components/copy.tsx';
import { toastDone } from '../components/toast.ts';
import { ClassField } from './move-machine.tsx';

interface Props {
  readonly opened: boolean;
  readonly close: () => void;
  readonly classes: readonly string[];
}

export function AddMachines({ opened, close, classes }: Props) {
  return (
    <Modal opened={opened} onClose={close} title="Add machines" size="md">
      <AddForm close={close} classes={classes} />
    </Modal>
  );
}

function AddForm({ close, classes }: Omit<Props, 'opened'>) {
  const client = useQueryClient();
  const [text, setText] = useState('');
  const [machineClass, setMachineClass] = useState('');
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  const problem = names.map(machineNameProblem).find((found) => found !== null) ?? null;
  const add = useMutation({
    mutationFn: () => api.machines.add({ body: { names, machine_class: machineClass } }),
    onSuccess: async ({ added, changed, driven }) => {
      toastDone(`${added.length + changed.length === 1 ? 'One machine' : `${added.length + changed.length} machines`} in class ${machineClass}`);
      await client.invalidateQueries({ queryKey: ['workers'] });
      if (driven) close();
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate();
      }}
    >
      <Stack gap="sm">
        <Textarea
          label="Machines"
          description="HOST or HOST:PORT, one per line. Jobs of the class find the name as {MACHINE} in their command."
          placeholder={'node7.example.org:22\nnode8.example.org:22'}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          error={problem}
          autosize
          minRows={3}
          maxRows={10}
          data-autofocus
          spellCheck={false}
          className="dr-mono-field"
        />
        <ClassField value={machineClass} onChange={setMachineClass} classes={classes} />
        {add.isError ? (
          <Alert color="red" variant="light" role="alert">
            {errorSentence(add.error)}
          </Alert>
        ) : null}
        {add.data?.driven === false ? (
          <Alert color="yellow" variant="light" title={`Added. No agent drives class ${machineClass} yet`}>
            <CommandLine text={`drover worker start --drive ${machineClass}`} />
          </Alert>
        ) : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Close
          </Button>
          <Button type="submit" disabled={names.length === 0 || problem !== null || !CLASS_NAME.test(machineClass)} loading={add.isPending}>
            {names.length > 1 ? `Add ${names.length} machines` : 'Add'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
