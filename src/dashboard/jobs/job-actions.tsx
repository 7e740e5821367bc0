// What can be done to one job, by its status. Anything that cannot be taken back is confirmed by the job's name.
import { Menu } from '@mantine/core';
import {
  IconBan,
  IconDotsVertical,
  IconEye,
  IconEyeOff,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  IconTrash,
  type Icon,
} from '@tabler/icons-react';
import { useQueryClient, type QueryClient } from '@tanstack/react-query';

import type { JobShape } from '../../contract/index.ts';
import { formatJobReference } from '../../core/identifiers.ts';
import { isEnded } from '../../core/job.ts';
import { api } from '../api.ts';
import { useConfirm, type ConfirmRequest } from '../components/confirm.tsx';
import { hint } from '../components/hint.tsx';
import { IconButton } from '../components/icon-button.tsx';
import { MenuButton } from '../components/menu-button.tsx';
import { jobHref, PlainLink } from '../components/plain-link.tsx';
import { toastDone, toastError } from '../components/toast.ts';
import { useRights } from '../frame/session.tsx';

export interface JobAction {
  readonly id: 'edit' | 'hold' | 'unhold' | 'requeue' | 'forget' | 'cancel' | 'force_cancel' | 'delete';
  readonly label: string;
  readonly icon: Icon;
  readonly danger: boolean;
  readonly run: () => void;
}

interface Hooks {
  readonly edit: (job: JobShape) => void;
  /** After the job is gone. */
  readonly onDeleted?: (job: JobShape) => void;
}

export function useJobActions(hooks: Hooks): (job: JobShape) => JobAction[] {
  const client = useQueryClient();
  const confirm = useConfirm();
  const { operate } = useRights();
  return (job) => (operate ? actionsOf(job, { client, confirm, hooks }) : []);
}

interface ActionContext {
  readonly client: QueryClient;
  readonly confirm: (request: ConfirmRequest) => void;
  readonly hooks: Hooks;
}

function actionsOf(job: JobShape, context: ActionContext): JobAction[] {
  const params = { experiment: job.experiment, number: job.number };
  const name = `job ${formatJobReference(job.experiment, job.number)}`;
  const perform = async (call: () => Promise<unknown>, message: string): Promise<void> => {
    await call();
    toastDone(message);
    // Not waited for: the dialog closes when the server has said yes.
    void refreshJob(context.client, job);
  };
  const attempt = async (call: () => Promise<unknown>, message: string): Promise<void> => {
    try {
      await perform(call, message);
    } catch (error) {
      toastError(error);
    }
  };
  const direct = (call: () => Promise<unknown>, message: string) => (): void => {
    void attempt(call, message);
  };
  const ask = (request: Omit<ConfirmRequest, 'run'>, call: () => Promise<unknown>, message: string) => (): void =>
    context.confirm({ ...request, run: () => perform(call, message) });
  const actions: JobAction[] = [];
  if (job.status === 'pending') {
    actions.push({ id: 'edit', label: 'Edit', icon: IconPencil, danger: false, run: () => context.hooks.edit(job) });
    if (job.held_at === null)
      actions.push({ id: 'hold', label: 'Hold', icon: IconPlayerPause, danger: false, run: direct(() => api.jobs.hold({ params }), `Held ${name}`) });
    else
      actions.push({
        id: 'unhold',
        label: 'Let it run',
        icon: IconPlayerPlay,
        danger: false,
        run: direct(() => api.jobs.unhold({ params }), `${name} may run again`),
      });
  }
  if (isEnded(job.status)) {
    const request = {
      title: `Requeue ${name}?`,
      body: 'It goes back into the queue for a new attempt. Logs, metrics and files of earlier attempts stay.',
      action: `Requeue job ${job.number}`,
    };
    actions.push({
      id: 'requeue',
      label: 'Requeue',
      icon: IconRefresh,
      danger: false,
      run: ask(request, () => api.jobs.requeue({ params }), `Requeued ${name}`),
    });
    const forgotten = job.forgotten_at !== null;
    const filter = { numbers: String(job.number), forgotten: 'too' } as const;
    actions.push({
      id: 'forget',
      label: forgotten ? 'List it again' : 'Forget',
      icon: forgotten ? IconEye : IconEyeOff,
      danger: false,
      run: direct(
        () => api.jobs.bulk({ params: { experiment: job.experiment }, body: { action: forgotten ? 'unforget' : 'forget', filter } }),
        forgotten ? `Listed ${name} again` : `Forgot ${name}; is:forgotten in the search finds it`,
      ),
    });
  } else {
    actions.push(cancelAction(job, name, (force, request) => ask(request, () => api.jobs.cancel({ params, body: { force } }), `Cancelling ${name}`)));
  }
  if (job.status === 'pending') {
    const request = {
      title: `Delete ${name}?`,
      body: 'The job is removed as if it had never been made. This cannot be taken back.',
      action: `Delete job ${job.number}`,
      danger: true,
    };
    const remove = async (): Promise<void> => {
      await api.jobs.remove({ params });
      context.hooks.onDeleted?.(job);
    };
    actions.push({ id: 'delete', label: 'Delete', icon: IconTrash, danger: true, run: ask(request, remove, `Deleted ${name}`) });
  }
  return actions;
}

function cancelAction(job: JobShape, name: string, run: (force: boolean, request: Omit<ConfirmRequest, 'run'>) => () => void): JobAction {
  const force = job.cancel_requested_at !== null;
  const body = force
    ? 'Its agent has not confirmed the cancel yet. Forcing aborts the job in the record at once; the program may still run for a while on its machine.'
    : job.status === 'running'
      ? 'The program is asked to end and gets its grace time. If it succeeds first, the job counts as done.'
      : 'The job is aborted without having run. It can be requeued later.';
  const request = {
    title: `${force ? 'Force the cancel of' : 'Cancel'} ${name}?`,
    body,
    action: `${force ? 'Force cancel of' : 'Cancel'} job ${job.number}`,
    danger: true,
  };
  return { id: force ? 'force_cancel' : 'cancel', label: force ? 'Force cancel' : 'Cancel', icon: IconBan, danger: true, run: run(force, request) };
}

export async function refreshJob(client: QueryClient, job: { experiment: string; number: number }): Promise<void> {
  await Promise.all([
    client.invalidateQueries({ queryKey: ['jobs', job.experiment] }),
    client.invalidateQueries({ queryKey: ['job', job.experiment, job.number] }),
    client.invalidateQueries({ queryKey: ['history', job.experiment, job.number] }),
    client.invalidateQueries({ queryKey: ['experiment', job.experiment] }),
  ]);
}

interface RowProps {
  readonly job: JobShape;
  readonly mayOperate: boolean;
  readonly actions: (job: JobShape) => readonly JobAction[];
}

/** The Actions cell of a row: details, edit, and a menu with the rest. */
export function RowActions({ job, mayOperate, actions }: RowProps) {
  const edit = (): void => actions(job).find(isEdit)?.run();
  return (
    <span className="dr-row-actions">
      {mayOperate && job.status === 'pending' ? (
        <IconButton onClick={edit} aria-label={`Edit job ${job.number}`} {...hint('Edit')}>
          <IconPencil size={15} />
        </IconButton>
      ) : null}
      <PlainLink href={jobHref(job)} className="dr-icon-button" aria-label={`Details of job ${job.number}`} {...hint('Details')}>
        <IconEye size={15} />
      </PlainLink>
      {mayOperate ? <ActionMenu label={`More actions for job ${job.number}`} actions={() => actions(job).filter((one) => !isEdit(one))} size="sm" /> : null}
    </span>
  );
}

function isEdit({ id }: JobAction): boolean {
  return id === 'edit';
}

interface MenuProps {
  readonly label: string;
  /** Asked for when the menu is open. */
  readonly actions: () => readonly JobAction[];
  readonly size: 'sm' | 'md';
}

export function ActionMenu({ label, actions, size }: MenuProps) {
  return (
    <MenuButton label={label} size={size} width={170} face={<IconDotsVertical size={15} />}>
      {() =>
        actions().map(({ id, label: text, icon: Symbol, danger, run }) => (
          <Menu.Item key={id} leftSection={<Symbol size={15} />} onClick={run} {...(danger ? { color: 'red' } : {})}>
            {text}
          </Menu.Item>
        ))
      }
    </MenuButton>
  );
}
