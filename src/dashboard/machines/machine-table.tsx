// The table of machines, and what may be done to one.
import { Menu } from '@mantine/core';
import {
  IconAlertTriangle,
  IconArrowRight,
  IconCircleCheck,
  IconDotsVertical,
  IconLoader2,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlugOff,
  IconTrash,
  type Icon,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import type { MachineShape } from '../../contract/index.ts';
import { api } from '../api.ts';
import { useConfirm } from '../components/confirm.tsx';
import { CopyIcon } from '../components/copy.tsx';
import { MenuButton } from '../components/menu-button.tsx';
import { jobHref, PlainLink } from '../components/plain-link.tsx';
import { Absent, Moment } from '../components/time.tsx';
import { toastDone, toastError } from '../components/toast.ts';
import { MoveMachine } from './move-machine.tsx';

interface Props {
  readonly machines: readonly MachineShape[];
  readonly mayChange: boolean;
}

const STATES: Readonly<Record<MachineShape['state'], { readonly word: string; readonly tone: string; readonly icon: Icon }>> = {
  ready: { word: 'Ready', tone: 'done', icon: IconCircleCheck },
  running: { word: 'Running', tone: 'running', icon: IconLoader2 },
  disabled: { word: 'Disabled', tone: 'pending', icon: IconPlayerPause },
  quarantined: { word: 'Quarantined', tone: 'aborted', icon: IconAlertTriangle },
  no_driver: { word: 'No driver', tone: 'held', icon: IconPlugOff },
  silent: { word: 'Silent', tone: 'held', icon: IconPlugOff },
};

export function MachineTable({ machines, mayChange }: Props) {
  const [moving, setMoving] = useState<MachineShape | null>(null);
  const change = useChange();
  return (
    <div className="dr-scroll-x">
      <table className="dr-table dr-machine-table" aria-label="Machines">
        <thead>
          <tr>
            {['Machine', 'Class', 'State', 'Job', 'Driver'].map((head) => (
              <th key={head} scope="col" data-column={head}>
                {head}
              </th>
            ))}
            <th scope="col" data-column="Why">
              Why it takes no jobs
            </th>
            {mayChange ? (
              <th scope="col" data-column="Actions">
                Actions
              </th>
            ) : null}
          </tr>
        </thead>
        <tbody>
          {machines.map((machine) => (
            <tr key={machine.name}>
              <td data-column="Machine">
                <span className="dr-machine-name">
                  <span className="dr-mono">{machine.name}</span>
                  <CopyIcon text={machine.name} what="machine" />
                </span>
              </td>
              <td data-column="Class">{machine.machine_class ?? <Absent />}</td>
              <td data-column="State">
                <State machine={machine} />
              </td>
              <td data-column="Job">
                {machine.job === null ? (
                  <Absent />
                ) : (
                  <PlainLink href={jobHref(machine.job)} className="dr-plain-link dr-num">{`${machine.job.experiment}/${machine.job.number}`}</PlainLink>
                )}
              </td>
              <td data-column="Driver">{machine.driver === null ? <Absent /> : <Driver machine={machine} driver={machine.driver} />}</td>
              <td data-column="Why">
                <Why machine={machine} />
              </td>
              {mayChange ? (
                <td data-column="Actions">
                  {machine.kind === 'driven' ? <Actions machine={machine} change={change} move={() => setMoving(machine)} /> : null}
                </td>
              ) : null}
            </tr>
          ))}
        </tbody>
      </table>
      <MoveMachine machine={moving} close={() => setMoving(null)} classes={[...new Set(machines.flatMap(({ machine_class }) => machine_class ?? []))]} />
    </div>
  );
}

function State({ machine: { state } }: { readonly machine: MachineShape }) {
  const { word, tone, icon: Symbol } = STATES[state];
  return (
    <span className="dr-status" data-status={tone}>
      <Symbol size={14} stroke={2.2} aria-hidden className={state === 'running' ? 'dr-spin' : undefined} />
      {word}
    </span>
  );
}

function Driver({ machine, driver }: { readonly machine: MachineShape; readonly driver: string }) {
  return (
    <>
      <span className="dr-mono">{driver}</span>
      <span className="dr-faint">{machine.kind === 'agent' ? ' runs there' : ' drives it'}</span>
    </>
  );
}

function Why({ machine: { reason, quarantined_at, trial_at } }: { readonly machine: MachineShape }) {
  if (reason === null) return <Absent />;
  return (
    <span className="dr-machine-why">
      {reason}
      {quarantined_at === null || trial_at === null ? null : (
        <span className="dr-faint">
          {' '}
          Next trial <Moment at={trial_at} />.
        </span>
      )}
    </span>
  );
}

type Action = 'enable' | 'disable' | 'remove';
const DONE: Record<Action, string> = { enable: 'Enabled', disable: 'Disabled', remove: 'Removed' };

function useChange(): (machine: MachineShape, action: Action) => void {
  const client = useQueryClient();
  const confirm = useConfirm();
  const perform = async ({ name }: MachineShape, action: Action): Promise<void> => {
    await api.machines.change({ body: { action, selection: { names: [name] } } });
    toastDone(`${DONE[action]} ${name}`);
    await client.invalidateQueries({ queryKey: ['workers'] });
  };
  return (machine, action) => {
    if (action !== 'remove') return void perform(machine, action).catch(toastError);
    const goesOn = machine.job === null ? '' : ` The job that runs there, ${machine.job.experiment}/${machine.job.number}, ends first.`;
    confirm({
      title: `Remove ${machine.name}?`,
      body: `It gets no more jobs. What ran there stays in the record.${goesOn}`,
      action: `Remove ${machine.name}`,
      danger: true,
      run: () => perform(machine, 'remove'),
    });
  };
}

interface ActionsProps {
  readonly machine: MachineShape;
  readonly change: (machine: MachineShape, action: Action) => void;
  readonly move: () => void;
}

function Actions({ machine, change, move }: ActionsProps) {
  const back = machine.quarantined_at !== null || !machine.enabled;
  return (
    <MenuButton label={`Actions for ${machine.name}`} width={190} face={<IconDotsVertical size={15} />}>
      {() => (
        <>
          {back ? (
            <Menu.Item leftSection={<IconPlayerPlay size={15} />} onClick={() => change(machine, 'enable')}>
              {machine.enabled ? 'End the quarantine' : 'Enable'}
            </Menu.Item>
          ) : null}
          {machine.enabled ? (
            <Menu.Item leftSection={<IconPlayerPause size={15} />} onClick={() => change(machine, 'disable')}>
              Disable
            </Menu.Item>
          ) : null}
          <Menu.Item leftSection={<IconArrowRight size={15} />} onClick={move}>
            Move to a class…
          </Menu.Item>
          <Menu.Item leftSection={<IconTrash size={15} />} color="red" onClick={() => change(machine, 'remove')}>
            Remove…
          </Menu.Item>
        </>
      )}
    </MenuButton>
  );
}
