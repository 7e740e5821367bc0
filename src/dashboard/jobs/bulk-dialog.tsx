// One thing done to all selected jobs. The server says first how many it would change and why it leaves others alone; the button says so too.
import { Alert, Button, Checkbox, Group, Modal, NumberInput, Skeleton, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { LIMITS } from '../../core/limits.ts';
import { api, errorSentence, newIdempotencyKey } from '../api.ts';
import { countText } from '../components/bytes.ts';
import { toastDone, toastPartly } from '../components/toast.ts';
import { doneText, MEANING, previewText, type BulkAction, type BulkReply } from './bulk-text.ts';
import type { BulkVerb } from './bulk-verbs.ts';
import { jobsText } from './operation-text.ts';
import type { NamedJobs } from './selection.ts';

interface Props {
  readonly experiment: string;
  readonly filter: NamedJobs;
  /** Null: closed. */
  readonly verb: BulkVerb | null;
  readonly close: () => void;
  readonly onDone: () => void;
}

export function BulkDialog(props: Props) {
  const { verb, close } = props;
  return (
    <Modal opened={verb !== null} onClose={close} title={verb === null ? '' : `${verb.verb} the selected jobs`} size="md">
      {verb === null ? null : <BulkForm key={verb.action} {...props} verb={verb} />}
    </Modal>
  );
}

/** What goes with an action. */
interface Settings {
  readonly force: boolean;
  readonly priority: number;
}

function BulkForm({ experiment, filter, verb, close, onDone }: Props & { readonly verb: BulkVerb }) {
  const client = useQueryClient();
  const [settings, setSettings] = useState<Settings>({ force: false, priority: 0 });
  const [key] = useState(newIdempotencyKey);
  const body = { action: verb.action, filter, ...bodyOf(verb.action, settings) };
  const preview = useQuery({
    queryKey: ['bulk-preview', experiment, verb.action, filter],
    queryFn: ({ signal }) => api.jobs.bulk({ params: { experiment }, body: { ...body, dry_run: true } }, { signal }),
    gcTime: 0,
    staleTime: 0,
  });
  const act = useMutation({
    mutationFn: () => api.jobs.bulk({ params: { experiment }, body }, { idempotency_key: key }),
    onSuccess: (reply) => {
      tell(reply);
      for (const topic of ['jobs', 'job', 'experiment', 'operations', 'history']) void client.invalidateQueries({ queryKey: [topic, experiment] });
      onDone();
      close();
    },
  });
  const error = act.error ?? preview.error;
  const changed = preview.data?.changed ?? 0;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        act.mutate();
      }}
    >
      <Stack gap="sm">
        {preview.data === undefined ? <Skeleton height={44} visible={!preview.isError} aria-label="Counting" /> : <Preview reply={preview.data} />}
        <Text size="sm" c="dimmed">
          {MEANING[verb.action]}
        </Text>
        <Fields action={verb.action} settings={settings} change={setSettings} />
        {error === null ? null : (
          <Alert color="red" variant="light" role="alert">
            {errorSentence(error)}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Keep as they are
          </Button>
          <Button type="submit" color={verb.danger ? 'red' : 'brand'} loading={act.isPending} disabled={changed === 0} data-autofocus>
            {verb.verb} {changed === 0 ? 'no job' : jobsText(changed)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function bodyOf(action: BulkAction, { force, priority }: Settings) {
  if (action === 'cancel') return { force };
  return action === 'set_priority' ? { priority } : {};
}

/** Jobs that are named one by one. */
const NAMED_CHARACTERS = 120;

function Preview({ reply }: { readonly reply: BulkReply }) {
  const { title, left } = previewText(reply);
  const named = reply.jobs.length > NAMED_CHARACTERS ? `${reply.jobs.slice(0, reply.jobs.lastIndexOf(',', NAMED_CHARACTERS))} and more` : reply.jobs;
  return (
    <output className="dr-bulk-preview">
      <b>{title}</b>
      {left.map((reason) => (
        <span key={reason}>{reason}</span>
      ))}
      {reply.changed > 0 && reply.matched <= LIMITS.bulk_jobs.value ? <span className="dr-num">Jobs {named}</span> : null}
      {reply.matched > LIMITS.bulk_jobs.value ? (
        <span>More than {countText(LIMITS.bulk_jobs.value)} jobs are changed in the background; the page shows how far it is.</span>
      ) : null}
    </output>
  );
}

interface FieldsProps {
  readonly action: BulkAction;
  readonly settings: Settings;
  readonly change: (settings: Settings) => void;
}

function Fields({ action, settings, change }: FieldsProps) {
  if (action === 'cancel') {
    return (
      <Checkbox
        size="sm"
        label="Do not wait for the agents"
        description="Running jobs count as aborted at once; their programs may still run for a while."
        checked={settings.force}
        onChange={(event) => change({ ...settings, force: event.currentTarget.checked })}
      />
    );
  }
  if (action !== 'set_priority') return null;
  return (
    <NumberInput
      label="Priority"
      value={settings.priority}
      onChange={(value) => change({ ...settings, priority: typeof value === 'number' ? value : 0 })}
      allowDecimal={false}
      min={-1_000_000}
      max={1_000_000}
      w={160}
      data-autofocus
    />
  );
}

function tell(reply: BulkReply): void {
  // Of one in the background the page tells itself.
  if (reply.operation !== null) return;
  if (reply.changed === reply.matched) toastDone(doneText(reply));
  else toastPartly(doneText(reply));
}
