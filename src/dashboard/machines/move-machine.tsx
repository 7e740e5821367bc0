// Another class for one machine. What runs there goes on.
import { Alert, Autocomplete, Button, Group, Modal, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import type { MachineShape } from '../../contract/index.ts';
import { CLASS_NAME } from '../../core/identifiers.ts';
import { api, errorSentence } from '../api.ts';
import { toastDone } from '../components/toast.ts';

interface Props {
  /** Null: closed. */
  readonly machine: MachineShape | null;
  readonly close: () => void;
  readonly classes: readonly string[];
}

export function MoveMachine({ machine, close, classes }: Props) {
  return (
    <Modal opened={machine !== null} onClose={close} title={`Move ${machine?.name ?? ''} to another class`} size="md">
      {machine === null ? null : <MoveForm machine={machine} close={close} classes={classes} />}
    </Modal>
  );
}

function MoveForm({ machine, close, classes }: Props & { readonly machine: MachineShape }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const move = useMutation({
    mutationFn: () => api.machines.change({ body: { action: 'move', selection: { names: [machine.name] }, machine_class: name } }),
    onSuccess: async () => {
      close();
      toastDone(`Moved ${machine.name} to ${name}`);
      await client.invalidateQueries({ queryKey: ['workers'] });
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        move.mutate();
      }}
    >
      <Stack gap="sm">
        <ClassField value={name} onChange={setName} classes={classes.filter((one) => one !== machine.machine_class)} />
        {move.isError ? (
          <Alert color="red" variant="light" role="alert">
            {errorSentence(move.error)}
          </Alert>
        ) : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Close
          </Button>
          <Button type="submit" disabled={!CLASS_NAME.test(name)} loading={move.isPending}>
            Move
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface ClassFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Known ones, to choose from. */
  readonly classes: readonly string[];
}

export function ClassField({ value, onChange, classes }: ClassFieldProps) {
  const wrong = value !== '' && !CLASS_NAME.test(value);
  return (
    <Autocomplete
      label="Class"
      description="Jobs that ask for this class may run there."
      placeholder="foo"
      data={[...classes]}
      value={value}
      onChange={onChange}
      error={wrong ? 'At most 63 letters, digits, dots, _ and -, beginning with a letter or digit.' : null}
      spellCheck={false}
    />
  );
}
