// One thing done to all selected jobs. The server says first how many it would change and why it leaves others alone; the button says so too.
import { Alert, Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';

import { LIMITS } from '../../core/limits.ts';
import { api, errorSentence, newIdempotencyKey } from '../api.ts';
import { countText } from '../components/bytes.ts';
import { toastDone, toastPartly } from '../components/toast.ts';
import { bodyOf, BulkFields, hasFields, isAboutTags, type BulkSettings } from './bulk-fields.tsx';
import { doneText, MEANING, previewText, type BulkReply } from './bulk-text.ts';
import { UNTAG, type BulkVerb } from './bulk-verbs.ts';
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

function BulkForm({ experiment, filter, verb: first, close, onDone }: Props & { readonly verb: BulkVerb }) {
  const client = useQueryClient();
  const [settings, setSettings] = useState<BulkSettings>({ force: false, priority: 0, tags: [], untag: false });
  const verb = first.action === 'add_tags' && settings.untag ? UNTAG : first;
  const { action } = verb;
  const keyOf = useKeys();
  const body = { action, filter, ...bodyOf(action, settings) };
  const ready = !isAboutTags(action) || settings.tags.length > 0;
  const preview = useQuery({
    queryKey: ['bulk-preview', experiment, action, filter, isAboutTags(action) ? settings.tags : null],
    queryFn: ({ signal }) => api.jobs.bulk({ params: { experiment }, body: { ...body, dry_run: true } }, { signal }),
    gcTime: 0,
    staleTime: 0,
    enabled: ready,
  });
  const act = useMutation({
    mutationFn: () => api.jobs.bulk({ params: { experiment }, body }, { idempotency_key: keyOf(JSON.stringify(body)) }),
    onSuccess: (reply) => {
      tell(reply);
      for (const topic of ['jobs', 'job', 'experiment', 'operations', 'history', 'tags']) void client.invalidateQueries({ queryKey: [topic, experiment] });
      onDone();
      close();
    },
  });
  const error = act.error ?? preview.error;
  const changed = ready ? (preview.data?.changed ?? 0) : 0;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (changed > 0) act.mutate();
      }}
    >
      <Stack gap="sm">
        <BulkFields experiment={experiment} action={action} settings={settings} change={setSettings} />
        {preview.data === undefined ? (
          <output className="dr-block" aria-label="Counting">
            <Skeleton height={44} visible={ready && !preview.isError} />
          </output>
        ) : (
          <Preview reply={preview.data} />
        )}
        <Text size="sm" c="dimmed">
          {MEANING[action]}
        </Text>
        {error === null ? null : (
          <Alert color="red" variant="light" role="alert">
            {errorSentence(error)}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Keep as they are
          </Button>
          <Button
            type="submit"
            color={verb.danger ? 'red' : 'brand'}
            loading={act.isPending}
            disabled={changed === 0}
            data-autofocus={hasFields(action) ? undefined : true}
          >
            {verb.verb} {changed === 0 ? 'no job' : jobsText(changed)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** A key for each different thing that is asked: the same thing again is the same. */
function useKeys(): (asked: string) => string {
  const kept = useRef({ asked: '', key: '' });
  return (asked) => {
    if (kept.current.asked !== asked) kept.current = { asked, key: newIdempotencyKey() };
    return kept.current.key;
  };
}

/** Jobs that are named one by one. */
const NAMED_CHARACTERS = 120;

function Preview({ reply }: { readonly reply: BulkReply }) {
  const { title, left } = previewText(reply);
  const named = reply.jobs.length > NAMED_CHARACTERS ? `${reply.jobs.slice(0, reply.jobs.lastIndexOf(',', NAMED_CHARACTERS))} and more` : reply.jobs;
  return (
    <output className="dr-bulk-preview">
      <b>{title}</b>
      {reply.changed > 0 && reply.matched <= LIMITS.bulk_jobs.value ? (
        <span className="dr-num">{`${reply.changed === 1 ? 'Job' : 'Jobs'} ${named.replaceAll('-', '–')}`}</span>
      ) : null}
      {left.map((reason) => (
        <span key={reason}>{reason}</span>
      ))}
      {reply.matched > LIMITS.bulk_jobs.value ? (
        <span>More than {countText(LIMITS.bulk_jobs.value)} jobs are changed in the background; the page shows how far it is.</span>
      ) : null}
    </output>
  );
}

function tell(reply: BulkReply): void {
  // Of one in the background the page tells itself.
  if (reply.operation !== null) return;
  if (reply.changed === reply.matched) toastDone(doneText(reply));
  else toastPartly(doneText(reply));
}
