// Workers as rows in groups by host: what each is doing, whether it is really there, and what it was told.
import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { memo, useMemo, useRef } from 'react';

import type { WorkerShape } from '../../contract/index.ts';
import { bytesText, countText } from '../components/bytes.ts';
import { CopyIcon } from '../components/copy.tsx';
import { jobHref, PlainLink } from '../components/plain-link.tsx';
import { Absent, Moment } from '../components/time.tsx';
import { useSteady } from '../components/use-steady.ts';
import { stringifySearch } from '../search-params.ts';
import { HostActions, WorkerActions } from './command-menus.tsx';
import { reasonText } from './history-text.ts';
import { byHost, fleetText, type HostGroup } from './shown-workers.ts';
import type { SelectedWorkers } from './selected-workers.ts';
import type { Commands } from './worker-commands.tsx';
import { WorkerState } from './worker-state.tsx';
import { withChange, type WorkersSearch } from './workers-search.ts';

export interface Selecting {
  readonly selected: SelectedWorkers;
  readonly toggle: (id: string, through: boolean) => void;
  readonly toggleAll: (ids: readonly string[]) => void;
}

interface Props {
  readonly experiment: string;
  readonly search: WorkersSearch;
  readonly workers: readonly WorkerShape[];
  /** Null: they are gone, or the viewer may not tell them anything. */
  readonly commands: Commands | null;
  readonly selecting: Selecting | null;
  readonly revoke: ((worker: WorkerShape) => void) | null;
}

const ACTIVE_HEADS = ['Worker', 'Host', 'Instance', 'Slot', 'Status', 'Job', 'Done', 'Last poll', 'Class', 'Process', 'Machine', 'Version'] as const;
const GONE_HEADS = ['Worker', 'Host', 'Instance', 'Slot', 'Status', 'Why', 'Disabled', 'Done', 'Last poll', 'Class', 'Process', 'Version'] as const;

export function WorkerTable(props: Props) {
  const { workers, selecting, search } = props;
  const heads = search.state === undefined ? ACTIVE_HEADS : GONE_HEADS;
  const ids = workers.map(({ worker_id }) => worker_id);
  const row = useRowActions(props);
  return (
    <div className="dr-scroll-x">
      <table className="dr-table dr-worker-table">
        <thead>
          <tr>
            {selecting === null ? null : (
              <th scope="col" data-column="select">
                <SelectMany label="Select all workers of this page" ids={ids} selecting={selecting} />
              </th>
            )}
            {heads.map((head) => (
              <th key={head} scope="col" data-column={head}>
                {head}
              </th>
            ))}
            <th scope="col" data-column="Actions">
              Actions
            </th>
          </tr>
        </thead>
        {byHost(workers).map((group) => (
          <tbody key={group.host}>
            <HostRow group={group} columns={heads.length + 1} {...props} />
            {group.workers.map((worker) => (
              <WorkerRow
                key={worker.worker_id}
                worker={worker}
                gone={search.state === 'disabled'}
                href={detailsHref(props.experiment, search, worker.worker_id)}
                selected={selecting === null ? null : selecting.selected.ids.has(worker.worker_id)}
                {...row}
              />
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

function SelectMany({ label, ids, selecting }: { readonly label: string; readonly ids: readonly string[]; readonly selecting: Selecting }) {
  const some = ids.some((id) => selecting.selected.ids.has(id));
  const all = some && ids.every((id) => selecting.selected.ids.has(id));
  return (
    <input
      type="checkbox"
      className="dr-check"
      aria-label={label}
      checked={all}
      ref={(box) => {
        if (box !== null) box.indeterminate = some && !all;
      }}
      onChange={() => selecting.toggleAll(ids)}
    />
  );
}

function HostRow({ group, columns, selecting, commands, experiment, search }: Props & { readonly group: HostGroup; readonly columns: number }) {
  const { host, workers } = group;
  const summary = search.state === undefined ? fleetText(workers) : '';
  return (
    <tr className="dr-host-row">
      {selecting === null ? null : (
        <td data-column="select">
          <SelectMany label={`Select all workers on ${host}`} ids={workers.map(({ worker_id }) => worker_id)} selecting={selecting} />
        </td>
      )}
      <th scope="rowgroup" colSpan={columns}>
        <span className="dr-host-head">
          <Link to="/experiments/$experiment/workers" params={{ experiment }} search={withChange(search, { host })} className="dr-plain-link">
            {host}
          </Link>
          <Text span size="xs" c="dimmed" className="dr-num">
            {countText(workers.length)} {workers.length === 1 ? 'worker' : 'workers'}
            {summary === '' ? '' : ` · ${summary}`}
          </Text>
          {commands === null ? null : <HostActions commands={commands} host={host} workers={workers} />}
        </span>
      </th>
    </tr>
  );
}

interface RowActions {
  readonly commands: Commands | null;
  readonly revoke: ((worker: WorkerShape) => void) | null;
  readonly toggle: (id: string, through: boolean) => void;
}

/** The same functions as long as the viewer may do the same: a row renders again only when its worker has changed. */
function useRowActions({ commands, revoke, selecting }: Props): RowActions {
  const command = useSteady<Parameters<Commands['command']>, void>((state, target) => commands?.command(state, target));
  const cancel = useSteady<Parameters<Commands['cancel']>, void>((target) => commands?.cancel(target));
  const revokeAgent = useSteady((worker: WorkerShape) => revoke?.(worker));
  const toggle = useSteady((id: string, through: boolean) => selecting?.toggle(id, through));
  const [mayCommand, mayRevoke] = [commands !== null, revoke !== null];
  return useMemo(
    () => ({ commands: mayCommand ? { command, cancel } : null, revoke: mayRevoke ? revokeAgent : null, toggle }),
    [mayCommand, mayRevoke, command, cancel, revokeAgent, toggle],
  );
}

function detailsHref(experiment: string, search: WorkersSearch, worker: string): string {
  return `/experiments/${encodeURIComponent(experiment)}/workers${stringifySearch({ ...withChange(search, { worker }) })}`;
}

interface RowProps extends RowActions {
  readonly worker: WorkerShape;
  readonly gone: boolean;
  readonly href: string;
  /** Null: it cannot be. */
  readonly selected: boolean | null;
}

const WorkerRow = memo(function WorkerRow({ worker, gone, href, selected, commands, revoke, toggle }: RowProps) {
  const id = worker.worker_id;
  return (
    <tr data-selected={selected === true ? true : undefined}>
      {selected === null ? null : (
        <td data-column="select">
          <SelectOne id={id} selected={selected} toggle={toggle} />
        </td>
      )}
      <td data-column="Worker">
        <span className="dr-worker-name">
          <PlainLink href={href} stay className="dr-job-link dr-mono" data-row-link data-worker={id}>
            {id}
          </PlainLink>
          <CopyIcon text={id} what="worker id" />
        </span>
      </td>
      <td data-column="Host">{worker.machine ?? worker.host}</td>
      <td data-column="Instance">{worker.instance}</td>
      <td className="dr-num" data-column="Slot">
        {worker.slot}
      </td>
      <td data-column="Status">
        <WorkerState worker={worker} />
      </td>
      {gone ? <GoneCells worker={worker} /> : <ActiveCells worker={worker} />}
      <td data-column="Actions">
        <span className="dr-worker-actions">
          <PlainLink href={href} stay className="dr-small-button" aria-label={`Details of ${id}`}>
            Details
          </PlainLink>
          <WorkerActions worker={worker} commands={commands} revoke={gone ? null : revoke} />
        </span>
      </td>
    </tr>
  );
});

interface SelectProps {
  readonly id: string;
  readonly selected: boolean;
  readonly toggle: (id: string, through: boolean) => void;
}

/** With Shift, all rows since the last one too. */
function SelectOne({ id, selected, toggle }: SelectProps) {
  const through = useRef(false);
  return (
    <input
      type="checkbox"
      className="dr-check"
      aria-label={`Select worker ${id}`}
      checked={selected}
      onClick={(event) => {
        through.current = event.shiftKey;
      }}
      onChange={() => toggle(id, through.current)}
    />
  );
}

function ActiveCells({ worker }: { readonly worker: WorkerShape }) {
  return (
    <>
      <td data-column="Job">
        <WorkerJob worker={worker} />
      </td>
      <Polled worker={worker} />
      <td data-column="Machine">
        <Machine metrics={worker.metrics} />
      </td>
      <td className="dr-num" data-column="Version">
        {worker.agent_version}
      </td>
    </>
  );
}

function GoneCells({ worker }: { readonly worker: WorkerShape }) {
  return (
    <>
      <td data-column="Why" className="dr-worker-why">
        {reasonText(worker.disabled_reason)}
      </td>
      <td data-column="Disabled">
        <Moment at={worker.disabled_at} />
      </td>
      <Polled worker={worker} />
      <td className="dr-num" data-column="Version">
        {worker.agent_version}
      </td>
    </>
  );
}

function Polled({ worker }: { readonly worker: WorkerShape }) {
  return (
    <>
      <td className="dr-num" data-column="Done">
        {countText(worker.jobs_completed)}
      </td>
      <td data-column="Last poll">
        <Moment at={worker.last_seen_at} />
      </td>
      <td data-column="Class">{worker.machine_class ?? <Absent />}</td>
      <td className="dr-num" data-column="Process">
        {worker.process_id ?? <Absent />}
      </td>
    </>
  );
}

export function WorkerJob({ worker }: { readonly worker: WorkerShape }) {
  if (worker.job === null) return worker.status === 'busy' ? <span className="dr-faint">of another experiment</span> : <Absent />;
  const { experiment, number, attempt } = worker.job;
  return (
    <PlainLink href={jobHref({ experiment, number })} className="dr-job-link dr-num" title={`Attempt ${attempt}`}>
      {experiment}/{number}
    </PlainLink>
  );
}

function Machine({ metrics }: { readonly metrics: WorkerShape['metrics'] }) {
  const cpu = metrics?.['cpu_percent'];
  const memory = metrics?.['memory_used_bytes'];
  if (cpu === undefined && memory === undefined) return <Absent />;
  return (
    <Text component="span" size="xs" className="dr-num" style={{ whiteSpace: 'nowrap' }}>
      {cpu === undefined ? '' : `${Math.round(cpu)}% CPU`}
      {cpu === undefined || memory === undefined ? '' : ' · '}
      {memory === undefined ? '' : bytesText(memory)}
    </Text>
  );
}
