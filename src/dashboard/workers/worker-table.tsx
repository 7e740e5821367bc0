// Workers as rows: what each is doing, whether it is really there, and what it was told.
import { Text, Tooltip } from '@mantine/core';
import { IconClockPlay } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import type { WorkerShape } from '../../contract/index.ts';
import { bytesText, countText } from '../components/bytes.ts';
import { CopyIcon } from '../components/copy.tsx';
import { Absent, Moment } from '../components/time.tsx';
import { WorkerActions, type Commands } from './worker-commands.tsx';

interface Props {
  readonly workers: readonly WorkerShape[];
  readonly commands: Commands | null;
  readonly revoke: ((worker: WorkerShape) => void) | null;
}

const HEADS = ['Worker', 'Host', 'Instance', 'Slot', 'Status', 'Job', 'Done', 'Last seen', 'Machine', 'Version'] as const;

export function WorkerTable({ workers, commands, revoke }: Props) {
  const acts = commands !== null || revoke !== null;
  return (
    <div className="dr-scroll-x">
      <table className="dr-table dr-worker-table">
        <thead>
          <tr>
            {HEADS.map((head) => (
              <th key={head} scope="col" data-column={head}>
                {head}
              </th>
            ))}
            {acts ? <th scope="col">Actions</th> : null}
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <WorkerRow key={worker.worker_id} worker={worker} commands={commands} revoke={revoke} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function WorkerRow({ worker, commands, revoke }: Omit<Props, 'workers'> & { readonly worker: WorkerShape }) {
  return (
    <tr>
      <td>
        <span style={{ display: 'inline-flex', alignItems: 'center', gap: 4, whiteSpace: 'nowrap' }}>
          <span className="dr-mono">{worker.worker_id}</span>
          <CopyIcon text={worker.worker_id} what="worker id" />
        </span>
      </td>
      <td data-column="Host">{worker.host}</td>
      <td data-column="Instance">{worker.instance}</td>
      <td className="dr-num" data-column="Slot">
        {worker.slot}
      </td>
      <td>
        <WorkerState worker={worker} />
      </td>
      <td>
        {worker.job === null ? (
          <Absent />
        ) : (
          <Link
            to="/experiments/$experiment/jobs/$number"
            params={{ experiment: worker.job.experiment, number: String(worker.job.number) }}
            className="dr-job-link dr-num"
            title={`Attempt ${worker.job.attempt}`}
          >
            {worker.job.experiment}/{worker.job.number}
          </Link>
        )}
      </td>
      <td className="dr-num">{countText(worker.jobs_completed)}</td>
      <td>
        <Moment at={worker.last_seen_at} />
      </td>
      <td>
        <Machine metrics={worker.metrics} />
      </td>
      <td className="dr-num" data-column="Version">
        {worker.agent_version}
      </td>
      {commands === null && revoke === null ? null : (
        <td>
          <WorkerActions worker={worker} commands={commands} revoke={revoke} />
        </td>
      )}
    </tr>
  );
}

/** Liveness first: a worker that is not heard of is never shown as idle or busy. */
function WorkerState({ worker }: { readonly worker: WorkerShape }) {
  const { tone, word, hint } = stateOf(worker);
  return (
    <span style={{ display: 'inline-flex', gap: 8, alignItems: 'center', whiteSpace: 'nowrap' }}>
      <Tooltip label={hint}>
        <button type="button" className="dr-hint">
          <span className="dr-live-dot" data-tone={tone} />
          {word}
        </button>
      </Tooltip>
      {worker.command_waits ? (
        <span className="dr-status" data-status="held">
          <IconClockPlay size={13} aria-hidden /> queued {worker.desired_state === 'run' ? 'resume' : worker.desired_state}
        </span>
      ) : worker.desired_state === 'run' || worker.status === 'disabled' ? null : (
        <span className="dr-status" data-status="pending">
          {appliedWord(worker)}
        </span>
      )}
    </span>
  );
}

/** What a worker does about a command that it has applied. */
function appliedWord({ desired_state, status }: WorkerShape): string {
  if (desired_state === 'pause') return 'paused';
  const busy = status === 'busy';
  return desired_state === 'drain' ? (busy ? 'draining' : 'drained') : busy ? 'stopping' : 'stopped';
}

function stateOf(worker: WorkerShape): { tone: string; word: string; hint: string } {
  if (worker.status === 'disabled') return { tone: 'idle', word: 'Disabled', hint: worker.disabled_reason ?? 'It stopped polling.' };
  switch (worker.liveness) {
    case 'lost':
      return { tone: 'bad', word: 'Lost', hint: 'Nothing was heard of it for so long that its jobs went back into the queue.' };
    case 'suspect':
      return { tone: 'warn', word: 'Silent', hint: 'It missed its last reports. Its job is left alone; it gets no new one until it is heard again.' };
    case 'alive':
      return worker.status === 'busy' ? { tone: 'busy', word: 'Busy', hint: 'It runs a job.' } : { tone: 'good', word: 'Idle', hint: 'It waits for a job.' };
  }
}

function Machine({ metrics }: { readonly metrics: WorkerShape['metrics'] }) {
  if (metrics === null) return <Absent />;
  const cpu = metrics['cpu_percent'];
  const memory = metrics['memory_used_bytes'];
  if (cpu === undefined && memory === undefined) return <Absent />;
  return (
    <Text component="span" size="xs" className="dr-num" style={{ whiteSpace: 'nowrap' }}>
      {cpu === undefined ? '' : `${Math.round(cpu)}% CPU`}
      {cpu === undefined || memory === undefined ? '' : ' · '}
      {memory === undefined ? '' : bytesText(memory)}
    </Text>
  );
}
