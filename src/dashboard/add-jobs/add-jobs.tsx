// The dialog that fills the queue: describe (form or JSON), review what the server says it would do, create.
import { Alert, Button, Checkbox, Group, Modal, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';

import { readMatrix } from '../../core/matrix.ts';
import { api, errorSentence, newIdempotencyKey } from '../api.ts';
import { countText } from '../components/bytes.ts';
import { ErrorNotice, LoadingRows } from '../components/states.tsx';
import { toastDone } from '../components/toast.ts';
import { useMade } from '../components/when-wanted.tsx';
import { useRights } from '../frame/session.tsx';
import { queries } from '../queries.ts';
import { rowsOfMatrix, type FormRow, type Plan } from './draft.ts';
import { FileMode } from './file-mode.tsx';
import { FormMode } from './form-mode.tsx';
import { JsonMode } from './json-mode.tsx';
import { emptyMore, MoreSettings, settingsOf, type More } from './more-settings.tsx';
import { PlanPreview } from './plan-preview.tsx';
import { Review } from './review.tsx';
import { useDraft, type Mode } from './use-draft.ts';

interface Props {
  readonly experiment: string;
  readonly opened: boolean;
  readonly close: () => void;
  /** Pending jobs now, for the warning about replacing them. */
  readonly pending: number;
  /** The matrix whose params and settings it begins with. */
  readonly like: number | null;
  /** A file that was dropped on the page. */
  readonly dropped: File | null;
}

export function AddJobs(props: Props) {
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const { opened } = useMade(props.opened);
  return (
    <Modal
      opened={opened}
      onClose={props.close}
      title={props.like === null ? 'Add jobs' : `Add jobs like those of matrix ${props.like}`}
      size={780}
      fullScreen={narrow}
      closeOnClickOutside={false}
    >
      {props.like === null ? <AddJobsForm {...props} begin={NOTHING} /> : <AddJobsLike {...props} like={props.like} />}
    </Modal>
  );
}

/** What the dialog begins with. */
interface Beginning {
  readonly rows: readonly FormRow[];
  readonly more: More;
}

const MODES = [
  { value: 'form', label: 'Form' },
  { value: 'json', label: 'JSON' },
  { value: 'file', label: 'File' },
];

const NOTHING: Beginning = {
  rows: [
    { id: 0, name: '', values: '' },
    { id: 1, name: '', values: '' },
  ],
  more: emptyMore,
};

function AddJobsLike(props: Props & { readonly like: number }) {
  const matrix = useQuery(queries.matrix(props.experiment, props.like));
  if (matrix.isError) return <ErrorNotice error={matrix.error} retry={() => void matrix.refetch()} />;
  if (matrix.data === undefined) return <LoadingRows rows={4} />;
  return <AddJobsForm key={props.like} {...props} begin={beginLike(matrix.data)} />;
}

function beginLike({ spec, command, machine_class, priority, max_attempts, timeout_seconds }: Awaited<ReturnType<typeof api.matrices.get>>): Beginning {
  const read = readMatrix(spec);
  let id = 0;
  return {
    rows: 'problem' in read ? NOTHING.rows : rowsOfMatrix(read.matrix, () => (id += 1)),
    more: {
      ...{ command: command ?? '', machine_class: machine_class ?? '', held: false },
      ...{ priority: priority === 0 ? '' : priority, max_attempts: max_attempts ?? '', timeout_seconds: timeout_seconds ?? '' },
    },
  };
}

function AddJobsForm({ experiment, close, pending, begin, dropped }: Props & { readonly begin: Beginning }) {
  const { commands } = useRights();
  const client = useQueryClient();
  const draft = useDraft(begin.rows, dropped);
  const { mode, plan } = draft;
  const [more, setMore] = useState(begin.more);
  const [replace, setReplace] = useState(false);
  const body = (dryRun: boolean) => ({ ...planBody(plan), ...settingsOf(more, commands), replace_pending: replace, dry_run: dryRun });
  const key = useRef(newIdempotencyKey());
  const review = useMutation({ mutationFn: () => api.jobs.create({ params: { experiment }, body: body(true) }) });
  const create = useMutation({
    mutationFn: () => api.jobs.create({ params: { experiment }, body: body(false) }, { idempotency_key: key.current }),
    onSuccess: async (created) => {
      toastDone(`Created ${countText(created.created)} ${created.created === 1 ? 'job' : 'jobs'}`);
      close();
      await Promise.all([client.invalidateQueries({ queryKey: ['jobs', experiment] }), client.invalidateQueries({ queryKey: ['experiment', experiment] })]);
    },
  });
  if (review.data !== undefined) {
    const back = (): void => {
      key.current = newIdempotencyKey();
      review.reset();
      create.reset();
    };
    return <Review preview={review.data} error={create.error} pending={create.isPending} back={back} create={() => create.mutate()} />;
  }
  const ready = plan.kind === 'matrix' || plan.kind === 'list';
  return (
    <Stack gap="md">
      <SegmentedControl value={mode} onChange={(next) => draft.change(next as Mode)} data={MODES} w={260} size="xs" aria-label="How to describe the jobs" />
      {mode === 'form' ? <FormMode rows={draft.rows} setRows={draft.setRows} nextId={draft.nextId} plan={plan} /> : null}
      {mode === 'json' ? <JsonMode text={draft.text} setText={draft.setText} plan={plan} /> : null}
      {mode === 'file' ? <FileMode chosen={draft.chosen} /> : null}
      {mode === 'file' && plan.kind === 'problem' ? null : <PlanPreview plan={plan} />}
      <MoreSettings more={more} setMore={setMore} mayBringCommands={commands} />
      <ReplaceChoice replace={replace} setReplace={setReplace} pending={pending} />
      {review.isError ? (
        <Alert color="red" variant="light" role="alert" title="The server would refuse this">
          {errorSentence(review.error)}
        </Alert>
      ) : null}
      <Group justify="flex-end" gap="xs" className="dr-dialog-foot">
        <Button variant="default" onClick={close}>
          Close
        </Button>
        <Button disabled={!ready} loading={review.isPending} onClick={() => review.mutate()}>
          {ready ? `Review ${countText(plan.size)} ${plan.size === 1 ? 'job' : 'jobs'}` : 'Review'}
        </Button>
      </Group>
    </Stack>
  );
}

function planBody(plan: Plan) {
  if (plan.kind === 'matrix') return { matrix: plan.spec };
  // The contract's JSON type is mutable; nothing changes these.
  if (plan.kind === 'list') return { jobs: plan.jobs.map((params) => ({ params: params as Record<string, never> })) };
  throw new Error('nothing to create');
}

interface ReplaceProps {
  readonly replace: boolean;
  readonly setReplace: (replace: boolean) => void;
  readonly pending: number;
}

function ReplaceChoice({ replace, setReplace, pending }: ReplaceProps) {
  return (
    <Stack gap={6}>
      <Checkbox size="sm" label="Replace existing jobs" checked={replace} onChange={(event) => setReplace(event.currentTarget.checked)} />
      {replace ? (
        <Alert color="yellow" variant="light" icon={<IconAlertTriangle size={18} />} p="xs">
          <Text size="sm">
            {pending === 0 ? 'There are no pending jobs to replace now.' : `All ${countText(pending)} pending jobs will be deleted first.`} Running, done and
            aborted jobs stay.
          </Text>
        </Alert>
      ) : null}
    </Stack>
  );
}
