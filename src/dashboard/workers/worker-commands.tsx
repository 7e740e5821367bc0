// What workers can be told. Commands are queued and applied at the worker's next word to the server; until then they can be taken back.
import { ActionIcon, Button, Group, Menu, Text, Tooltip } from '@mantine/core';
import { IconArrowBackUp, IconDoorExit, IconDotsVertical, IconPlayerPause, IconPlayerPlay, IconPlayerStop, IconPlugOff, type Icon } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';

import type { WorkerShape } from '../../contract/index.ts';
import { DESIRED_STATES, type DesiredState } from '../../core/worker.ts';
import { api } from '../api.ts';
import { countText } from '../components/bytes.ts';
import { useConfirm } from '../components/confirm.tsx';
import { toastDone, toastError, toastPartly } from '../components/toast.ts';

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
      const why = preview.matched === 0 ? 'no active worker' : `already told to ${state}, or to something stronger`;
      tell(`Nothing to change: ${why}`, preview.refused);
      return;
    }
    const target = preview.changed === 1 ? `worker ${preview.workers[0] ?? ''}` : `${workersText(preview.changed)}`;
    confirm({
      title: `${word} ${target}?`,
      body: preview.refused === 0 ? MEANING[state] : <PartlyMeaning meaning={MEANING[state]} refused={preview.refused} />,
      action: `${word} ${target}`,
      danger: state === 'stop' || state === 'drain',
      run: async () => {
        const done = await api.workers.command({ params, body: { action: state, workers: selection(workers) } });
        tell(`${word}: queued for ${workersText(done.changed)}`, done.refused);
        void refresh();
      },
    });
  };
  const takeBack = async (workers: readonly string[]): Promise<void> => {
    const done = await api.workers.cancelCommand({ params, body: { workers: selection(workers) } });
    tell(done.changed === 0 ? 'The command was already applied' : `Taken back for ${workersText(done.changed)}`, done.refused);
    void refresh();
  };
  return {
    command: (state, workers) => void ask(state, workers).catch(toastError),
    cancel: (workers) => void takeBack(workers).catch(toastError),
  };
}

function workersText(count: number): string {
  return `${countText(count)} ${count === 1 ? 'worker' : 'workers'}`;
}

function refusedText(refused: number): string {
  return `${workersText(refused)} ${refused === 1 ? 'is left as it is: it also serves' : 'are left as they are: they also serve'} experiments that you may not operate.`;
}

function tell(message: string, refused: number): void {
  if (refused === 0) toastDone(message);
  else toastPartly(`${message}. ${refusedText(refused)}`);
}

function PartlyMeaning({ meaning, refused }: { readonly meaning: string; readonly refused: number }) {
  return (
    <>
      {meaning}
      <Text size="sm" mt="xs" c="dimmed">
        {refusedText(refused)}
      </Text>
    </>
  );
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

interface ActionsProps {
  readonly worker: WorkerShape;
  /** Null: it is gone, or the viewer may not tell it anything. */
  readonly commands: Commands | null;
  /** Null: the viewer may not. */
  readonly revoke: ((worker: WorkerShape) => void) | null;
}

export function WorkerActions({ worker, commands, revoke }: ActionsProps) {
  const id = worker.worker_id;
  const waits = worker.command_waits && commands !== null;
  const states = waits || commands === null ? [] : DESIRED_STATES.filter((state) => state !== worker.desired_state);
  return (
    <Group gap={2} wrap="nowrap">
      {waits ? (
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<IconArrowBackUp size={13} />}
          onClick={() => commands.cancel([id])}
          aria-label={`Cancel the queued command of ${id}`}
        >
          Cancel
        </Button>
      ) : null}
      {states.length === 0 && revoke === null ? null : (
        <Menu position="bottom-end" width={190} shadow="md">
          <Menu.Target>
            <ActionIcon size="sm" aria-label={`Command worker ${id}`}>
              <IconDotsVertical size={15} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {states.map((state) => {
              const Symbol = COMMAND_ICON[state];
              return (
                <Menu.Item
                  key={state}
                  leftSection={<Symbol size={15} />}
                  onClick={() => commands?.command(state, [id])}
                  {...(state === 'stop' ? { color: 'red' } : {})}
                >
                  {COMMAND_WORD[state]}
                </Menu.Item>
              );
            })}
            {states.length > 0 && revoke !== null ? <Menu.Divider /> : null}
            {revoke === null ? null : (
              <Menu.Item color="red" leftSection={<IconPlugOff size={15} />} onClick={() => revoke(worker)}>
                Revoke this agent…
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  );
}
