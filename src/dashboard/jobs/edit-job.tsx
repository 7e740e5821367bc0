// Editing a pending job: its params as fields. If somebody edited it meanwhile, the server refuses and says so.
import { Alert, Button, Group, Modal, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import type { JobShape } from '../../contract/index.ts';
import { formatJobReference } from '../../core/identifiers.ts';
import { parseParamText, type Params } from '../../core/params.ts';
import { valueText } from '../add-jobs/value-text.ts';
import { api, errorSentence } from '../api.ts';
import { useMade } from '../components/when-wanted.tsx';
import { toastDone } from '../components/toast.ts';
import { refreshJob } from './job-actions.tsx';

export function EditJob({ job, close }: { readonly job: JobShape | null; readonly close: () => void }) {
  const { made, opened } = useMade(job !== null);
  if (!made) return null;
  return (
    <Modal opened={opened} onClose={close} title={job === null ? '' : `Edit ${formatJobReference(job.experiment, job.number)}`} size="md">
      {job === null ? null : <EditForm key={job.id} job={job} close={close} />}
    </Modal>
  );
}

function EditForm({ job, close }: { readonly job: JobShape; readonly close: () => void }) {
  const client = useQueryClient();
  const before = textsOf(job.params);
  const [texts, setTexts] = useState(before);
  const [priority, setPriority] = useState<number | string>(job.priority);
  const read = Object.entries(texts).map(([name, text]) => ({ name, parsed: parseParamText(text) }));
  const wrong = new Map(read.flatMap(({ name, parsed }) => ('problem' in parsed ? [[name, parsed.problem] as const] : [])));
  const changed = Object.keys(texts).filter((name) => texts[name] !== before[name]);
  const save = useMutation({
    mutationFn: () => {
      const params = Object.fromEntries(read.map(({ name, parsed }) => [name, 'value' in parsed && changed.includes(name) ? parsed.value : job.params[name]!]));
      const body = { params: params as Record<string, never>, revision: job.revision, ...(typeof priority === 'number' ? { priority } : {}) };
      return api.jobs.edit({ params: { experiment: job.experiment, number: job.number }, body });
    },
    onSuccess: async () => {
      toastDone(`Saved job ${formatJobReference(job.experiment, job.number)}`);
      close();
      await refreshJob(client, job);
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack gap="sm">
        {Object.entries(texts).map(([name, text], index) => (
          <TextInput
            key={name}
            label={name}
            value={text}
            onChange={(event) => setTexts({ ...texts, [name]: event.currentTarget.value })}
            error={wrong.get(name) ?? null}
            description={texts[name] === before[name] ? null : `was ${before[name]}`}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            {...(index === 0 ? { 'data-autofocus': true } : {})}
          />
        ))}
        {Object.keys(texts).length === 0 ? (
          <Text size="sm" c="dimmed">
            This job has no params.
          </Text>
        ) : null}
        <NumberInput label="Priority" description="Higher goes first" value={priority} onChange={setPriority} allowDecimal={false} w={160} />
        {save.isError ? (
          <Alert color="red" variant="light" role="alert">
            {errorSentence(save.error)}
          </Alert>
        ) : null}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Close
          </Button>
          <Button type="submit" loading={save.isPending} disabled={wrong.size > 0 || (changed.length === 0 && priority === job.priority)}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function textsOf(params: Params): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, valueText(value)]));
}
