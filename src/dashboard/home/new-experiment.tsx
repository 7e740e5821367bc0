// A new experiment: its name is for ever part of URLs, ids and directories, so its rule is told while it is typed.
import { Alert, Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { EXPERIMENT_NAME } from '../../core/identifiers.ts';
import { api, errorSentence, newIdempotencyKey } from '../api.ts';

export function NewExperiment({ opened, close }: { readonly opened: boolean; readonly close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="New experiment" size="md">
      <NewExperimentForm close={close} />
    </Modal>
  );
}

function NewExperimentForm({ close }: { readonly close: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [key] = useState(newIdempotencyKey);
  const create = useMutation({
    mutationFn: () => api.experiments.create({ body: { name, description } }, { idempotency_key: `${key}-${name}` }),
    onSuccess: async () => {
      close();
      await client.invalidateQueries({ queryKey: ['experiments'] });
      await navigate({ to: '/experiments/$experiment/jobs', params: { experiment: name } });
    },
  });
  const wrong = name !== '' && !EXPERIMENT_NAME.test(name);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate();
      }}
    >
      <Stack gap="sm">
        <TextInput
          label="Name"
          description="2 to 47 small letters, digits and -, beginning with a letter. It cannot be changed later."
          placeholder="digits-tune"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={wrong ? 'Only small letters, digits and -, beginning with a letter.' : null}
          data-autofocus
          spellCheck={false}
        />
        <Textarea
          label="Description"
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
          maxLength={2000}
          autosize
          minRows={2}
        />
        {create.isError ? (
          <Alert color="red" variant="light" role="alert">
            {errorSentence(create.error)}
          </Alert>
        ) : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Close
          </Button>
          <Button type="submit" disabled={name === '' || wrong} loading={create.isPending}>
            Create
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
