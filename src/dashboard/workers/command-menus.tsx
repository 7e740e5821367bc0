// Where commands are given: the toolbar (all, those shown, those selected), the head of a host, and the row of a worker.
import { ActionIcon, Button, Group, Menu, Popover, Text } from '@mantine/core';
import {
  IconArrowBackUp,
  IconDoorExit,
  IconDotsVertical,
  IconInfoCircle,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconPlugOff,
  type Icon,
} from '@tabler/icons-react';

import type { WorkerShape } from '../../contract/index.ts';
import { DESIRED_STATES, type DesiredState } from '../../core/worker.ts';
import { countText } from '../components/bytes.ts';
import { hint } from '../components/hint.tsx';
import { MenuButton } from '../components/menu-button.tsx';
import { COMMAND_WORD, MEANING, PRECEDENCE } from './command-words.ts';
import { type Commands, type Target, workersText } from './worker-commands.tsx';

const COMMAND_ICON: Record<DesiredState, Icon> = { run: IconPlayerPlay, pause: IconPlayerPause, drain: IconDoorExit, stop: IconPlayerStop };

interface ToolbarProps {
  readonly commands: Commands;
  readonly target: Target;
  /** Of the target's workers, how many have a command queued. */
  readonly waiting: number;
}

/** `all workers`, `the 3 selected workers`: what the buttons of the toolbar are about. */
function targetText(target: Target): string {
  if (target.kind === 'all') return 'all workers';
  if (target.kind === 'host') return `all workers on ${target.host}`;
  return target.how === 'one' ? `worker ${target.ids[0]!}` : `the ${target.ids.length} ${target.how} ${target.ids.length === 1 ? 'worker' : 'workers'}`;
}

export function FleetToolbar({ commands, target, waiting }: ToolbarProps) {
  const whom = targetText(target);
  return (
    <Group gap={8} className="dr-fleet-tools">
      {waiting === 0 ? null : (
        <Button variant="light" leftSection={<IconArrowBackUp size={14} />} onClick={() => commands.cancel(target)}>
          Cancel {countText(waiting)} queued
        </Button>
      )}
      <Text size="sm" c="dimmed" className="dr-num">
        {target.kind === 'some' ? `${countText(target.ids.length)} ${target.how}` : 'All workers'}
      </Text>
      <Precedence />
      <Button.Group className="dr-fleet-commands">
        {DESIRED_STATES.map((state) => {
          const Symbol = COMMAND_ICON[state];
          return (
            <Button
              key={state}
              variant="default"
              leftSection={<Symbol size={14} />}
              onClick={() => commands.command(state, target)}
              aria-label={`${COMMAND_WORD[state]} ${whom}`}
              {...hint(`${capital(whom)}: ${MEANING[state].toLowerCase()}`)}
            >
              {COMMAND_WORD[state]}
            </Button>
          );
        })}
      </Button.Group>
    </Group>
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function Precedence() {
  return (
    <Popover width={360} position="bottom-end" shadow="md">
      <Popover.Target>
        <ActionIcon aria-label="What the commands mean">
          <IconInfoCircle size={16} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <dl className="dr-command-help">
          {DESIRED_STATES.map((state) => (
            <div key={state}>
              <dt>{COMMAND_WORD[state]}</dt>
              <dd>{MEANING[state]}</dd>
            </div>
          ))}
        </dl>
        <Text size="xs" c="dimmed" mt="xs">
          {PRECEDENCE}
        </Text>
      </Popover.Dropdown>
    </Popover>
  );
}

interface MenuItemsProps {
  readonly commands: Commands;
  readonly target: Target;
  readonly states: readonly DesiredState[];
}

function CommandItems({ commands, target, states }: MenuItemsProps) {
  return states.map((state) => {
    const Symbol = COMMAND_ICON[state];
    return (
      <Menu.Item key={state} leftSection={<Symbol size={15} />} onClick={() => commands.command(state, target)} {...(state === 'stop' ? { color: 'red' } : {})}>
        {COMMAND_WORD[state]}
      </Menu.Item>
    );
  });
}

/** Everything that runs on one machine. */
export function HostActions({ commands, host, workers }: { readonly commands: Commands; readonly host: string; readonly workers: readonly WorkerShape[] }) {
  const target: Target = { kind: 'host', host };
  const waiting = workers.filter(({ command_waits }) => command_waits).length;
  return (
    <MenuButton
      label={`Command host ${host}`}
      size="text"
      width={220}
      face={
        <>
          Host <IconDotsVertical size={13} />
        </>
      }
    >
      {() => (
        <>
          <Menu.Label>All workers on {host}</Menu.Label>
          <CommandItems commands={commands} target={target} states={DESIRED_STATES} />
          {waiting === 0 ? null : (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<IconArrowBackUp size={15} />} onClick={() => commands.cancel(target)}>
                Cancel queued of {workersText(waiting)}
              </Menu.Item>
            </>
          )}
        </>
      )}
    </MenuButton>
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
  const target: Target = { kind: 'some', ids: [id], how: 'one' };
  const waits = worker.command_waits && commands !== null;
  // While a command waits, only what is stronger, or resuming, would change anything; all are offered, and the preview tells.
  const states = commands === null ? [] : DESIRED_STATES.filter((state) => state !== worker.desired_state);
  return (
    <>
      {waits ? (
        <Button
          variant="subtle"
          size="compact-xs"
          leftSection={<IconArrowBackUp size={13} />}
          onClick={() => commands.cancel(target)}
          aria-label={`Cancel the queued command of ${id}`}
        >
          Cancel
        </Button>
      ) : null}
      {states.length === 0 && revoke === null ? null : (
        <MenuButton label={`Command worker ${id}`} width={190} face={<IconDotsVertical size={15} />}>
          {() => (
            <>
              {commands === null ? null : <CommandItems commands={commands} target={target} states={states} />}
              {states.length > 0 && revoke !== null ? <Menu.Divider /> : null}
              {revoke === null ? null : (
                <Menu.Item color="red" leftSection={<IconPlugOff size={15} />} onClick={() => revoke(worker)}>
                  Revoke this agent…
                </Menu.Item>
              )}
            </>
          )}
        </MenuButton>
      )}
    </>
  );
}
