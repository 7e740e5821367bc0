// What workers can be told. Commands are queued and applied at the worker's next word to the server; until then they can be taken back.
import { ActionIcon, Button, Group, Menu, Tooltip } from '@mantine/core';
import { IconArrowBackUp, IconDoorExit, IconDotsVertical, IconPlayerPause, IconPlayerPlay, IconPlayerStop, type Icon } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';

import type { WorkerShape } from '../../contract/index.ts';
import { DESIRED_STATES, type DesiredState } from '../../core/worker.ts';
import { api } from '../api.ts';
import { countText } from '../components/bytes.ts';
import { useConfirm } from '../components/confirm.tsx';
import { toastDone, toastError } from '../components/toast.ts';

export const COMMAND_WORD: Record<DesiredState, string> = { run: 'Resume', pause: 'Pause', drain: 'Drain', stop: 'Stop' };

const COMMAND_ICON: Record<DesiredState, Icon> = { run: IconPlayerPlay, pause: IconPlayerPause, drain: IconDoorExit, stop: IconPlayerStop };

const MEANING: Record<DesiredState, string> = {
  run: 'Take jobs again.',
  pause: 'Finish the job, then take no more until resumed.',
  drain: 'Finish the job, then leave. To come back, the worker must be started again on its machine.',
  stop: 'Leave at once when idle; finish the job first when busy. To come back, the worker must be started again on its machine.',
};

export interface Commands {
  /** Empty: all workers of the experiment. */
  readonly command: (state: DesiredState, workers: readonly string[]) => void;
  readonly cancel: (workers: readonly string[]) => void;
}

export function useWorkerCommands(experiment: string): Commands {
  const client = useQueryClient();
  const confirm = useConfirm();
  const params = { experiment };
  const refresh = (): Promise<void> => client.invalidateQueries({ queryKey: ['workers', experiment] });
  const selection = (workers: readonly string[]) => (workers.length === 0 ? {} : { worker_ids: [...workers] });
  const ask = async (state: DesiredState, workers: readonly string[]): Promise<void> => {
    const preview = await api.workers.command({ params, body: { action: state, workers: selection(workers), dry_run: true } });
    const word = COMMAND_WORD[state];
    if (preview.changed === 0) {
      toastDone(`Nothing to change: ${preview.matched === 0 ? 'no active worker' : `already told to ${state}, or to something stronger`}`);
      return;
    }
    const target = preview.changed === 1 ? `worker ${preview.workers[0] ?? ''}` : `${countText(preview.changed)} workers`;
    confirm({
      title: `${word} ${target}?`,
      body: MEANING[state],
      action: `${word} ${target}`,
      danger: state === 'stop' || state === 'drain',
      run: async () => {
        const done = await api.workers.command({ params, body: { action: state, workers: selection(workers) } });
        toastDone(`${word}: queued for ${countText(done.changed)} ${done.changed === 1 ? 'worker' : 'workers'}`);
        void refresh();
      },
    });
  };
  const takeBack = async (workers: readonly string[]): Promise<void> => {
    const done = await api.workers.cancelCommand({ params, body: { workers: selection(workers) } });
    toastDone(
      done.changed === 0 ? 'The command was already applied' : `Taken back for ${countText(done.changed)} ${done.changed === 1 ? 'worker' : 'workers'}`,
    );
    void refresh();
  };
  return {
    command: (state, workers) => void ask(state, workers).catch(toastError),
    cancel: (workers) => void takeBack(workers).catch(toastError),
  };
}

export function FleetToolbar({ commands, waiting }: { readonly commands: Commands; readonly waiting: number }) {
  return (
    <Group gap={6}>
      {waiting === 0 ? null : (
        <Button variant="light" leftSection={<IconArrowBackUp size={14} />} onClick={() => commands.cancel([])}>
          Cancel {countText(waiting)} queued
        </Button>
      )}
      <Button.Group>
        {DESIRED_STATES.map((state) => {
          const Symbol = COMMAND_ICON[state];
          return (
            <Tooltip key={state} label={`All workers: ${MEANING[state].toLowerCase()}`}>
              <Button
                variant="default"
                leftSection={<Symbol size={14} />}
                onClick={() => commands.command(state, [])}
                aria-label={`${COMMAND_WORD[state]} all workers`}
              >
                {COMMAND_WORD[state]}
              </Button>
            </Tooltip>
          );
        })}
      </Button.Group>
    </Group>
  );
}

export function WorkerActions({ worker, commands }: { readonly worker: WorkerShape; readonly commands: Commands }) {
  const id = worker.worker_id;
  if (worker.command_waits) {
    return (
      <Button
        variant="subtle"
        size="compact-xs"
        leftSection={<IconArrowBackUp size={13} />}
        onClick={() => commands.cancel([id])}
        aria-label={`Cancel the queued command of ${id}`}
      >
        Cancel
      </Button>
    );
  }
  return (
    <Menu position="bottom-end" width={150} shadow="md">
      <Menu.Target>
        <ActionIcon size="sm" aria-label={`Command worker ${id}`}>
          <IconDotsVertical size={15} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {DESIRED_STATES.filter((state) => state !== worker.desired_state).map((state) => {
          const Symbol = COMMAND_ICON[state];
          return (
            <Menu.Item
              key={state}
              leftSection={<Symbol size={15} />}
              onClick={() => commands.command(state, [id])}
              {...(state === 'stop' ? { color: 'red' } : {})}
            >
              {COMMAND_WORD[state]}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
