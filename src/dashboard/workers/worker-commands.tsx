// Telling workers what to do. What a command will touch is asked of the server first and shown; it is queued, and can be taken back until it is applied.
import { List, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';

import type { DesiredState } from '../../core/worker.ts';
import { api } from '../api.ts';
import { countText } from '../components/bytes.ts';
import { useConfirm } from '../components/confirm.tsx';
import { toastDone, toastError, toastPartly } from '../components/toast.ts';
import { COMMAND_WORD, MEANING, PRECEDENCE, TO_BUSY, TO_IDLE } from './command-words.ts';

export type Target =
  | { readonly kind: 'all' }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'some'; readonly ids: readonly string[]; readonly how: 'one' | 'selected' | 'shown' };

export interface Commands {
  readonly command: (state: DesiredState, target: Target) => void;
  readonly cancel: (target: Target) => void;
}

type Commanded = Awaited<ReturnType<typeof api.workers.command>>;

export function useWorkerCommands(experiment: string): Commands {
  const client = useQueryClient();
  const confirm = useConfirm();
  const params = { experiment };
  const refresh = (): Promise<void> => client.invalidateQueries({ queryKey: ['workers', experiment] });
  const ask = async (state: DesiredState, target: Target): Promise<void> => {
    const body = { action: state, workers: selectionOf(target) };
    const preview = await api.workers.command({ params, body: { ...body, dry_run: true } });
    const word = COMMAND_WORD[state];
    if (preview.changed === 0) {
      const why = preview.matched === 0 ? 'no active worker' : `already told to ${state === 'run' ? 'take jobs' : state}, or to something stronger`;
      tell(`Nothing to change: ${why}`, preview.refused);
      return;
    }
    const what = preview.changed === 1 ? `worker ${preview.workers[0] ?? ''}` : workersText(preview.changed);
    confirm({
      title: `${word} ${what}${target.kind === 'host' ? ` on ${target.host}` : ''}?`,
      body: <Preview state={state} preview={preview} />,
      action: `${word} ${what}`,
      danger: state === 'stop' || state === 'drain',
      run: async () => {
        const done = await api.workers.command({ params, body });
        tell(`${word}: queued for ${workersText(done.changed)}`, done.refused);
        void refresh();
      },
    });
  };
  const takeBack = async (target: Target): Promise<void> => {
    const done = await api.workers.cancelCommand({ params, body: { workers: selectionOf(target) } });
    tell(done.changed === 0 ? 'The command was already applied' : `Taken back for ${workersText(done.changed)}`, done.refused);
    void refresh();
  };
  return {
    command: (state, target) => void ask(state, target).catch(toastError),
    cancel: (target) => void takeBack(target).catch(toastError),
  };
}

function selectionOf(target: Target) {
  switch (target.kind) {
    case 'all':
      return {};
    case 'host':
      return { host: target.host };
    case 'some':
      return { worker_ids: [...target.ids] };
  }
}

export function workersText(count: number): string {
  return `${countText(count)} ${count === 1 ? 'worker' : 'workers'}`;
}

function refusedText(refused: number): string {
  return `${workersText(refused)} ${refused === 1 ? 'is left as it is: it also serves' : 'are left as they are: they also serve'} experiments that you may not operate.`;
}

function tell(message: string, refused: number): void {
  if (refused === 0) toastDone(message);
  else toastPartly(`${message}. ${refusedText(refused)}`);
}

const NAMED = 12;

function Preview({ state, preview }: { readonly state: DesiredState; readonly preview: Commanded }) {
  const { busy, changed, matched, refused, workers } = preview;
  const same = matched - changed - refused;
  return (
    <>
      <Text size="sm" mb={8}>
        {MEANING[state]}
      </Text>
      <List size="sm" spacing={3}>
        {busy === 0 ? null : (
          <List.Item>
            <b className="dr-num">{countText(busy)} busy</b>: {TO_BUSY[state]}
          </List.Item>
        )}
        {changed === busy ? null : (
          <List.Item>
            <b className="dr-num">{countText(changed - busy)} idle</b>: {TO_IDLE[state]}
          </List.Item>
        )}
        {same <= 0 ? null : (
          <List.Item>
            <b className="dr-num">{countText(same)} unchanged</b>: already told so, or something stronger
          </List.Item>
        )}
        {refused === 0 ? null : <List.Item>{refusedText(refused)}</List.Item>}
      </List>
      {changed === 1 ? null : (
        <Text size="xs" c="dimmed" mt={10} className="dr-mono">
          {workers.slice(0, NAMED).join(' ')}
          {changed > NAMED ? ` and ${countText(changed - NAMED)} more` : ''}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt={10}>
        {PRECEDENCE}
      </Text>
    </>
  );
}
