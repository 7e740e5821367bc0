// What is known of a worker, as facts.
import { Link } from '@tanstack/react-router';

import { bytesText, countText } from '../components/bytes.ts';
import { Fact } from '../components/fact.tsx';
import { durationText, Moment } from '../components/time.tsx';
import { reasonText } from './history-text.ts';
import type { WorkerDetails } from './worker-queries.ts';
import { WorkerJob } from './worker-table.tsx';

export function WorkerInfo({ worker }: { readonly worker: WorkerDetails }) {
  const { total } = worker;
  const size = [
    total.cpus > 0 ? `${countText(total.cpus)} ${total.cpus === 1 ? 'processor' : 'processors'}` : null,
    total.memory_bytes > 0 ? `${bytesText(total.memory_bytes)} memory` : null,
    total.gpus > 0 ? `${countText(total.gpus)} ${total.gpus === 1 ? 'GPU' : 'GPUs'}` : null,
  ].filter((part) => part !== null);
  return (
    <dl className="dr-facts">
      {worker.status === 'disabled' ? (
        <Fact name="Disabled">
          <Moment at={worker.disabled_at} /> · {reasonText(worker.disabled_reason)}
        </Fact>
      ) : null}
      <Fact name="Job">
        <WorkerJob worker={worker} />
      </Fact>
      <Fact name="Jobs done">{countText(worker.jobs_completed)}</Fact>
      <Fact name="Host" copy={worker.machine}>
        {worker.machine ?? worker.host}
        {worker.machine === null || worker.machine === worker.host ? '' : ` (${worker.host})`}
      </Fact>
      <Fact name="Instance">
        {worker.instance}, with {countText(worker.agent_workers)} {worker.agent_workers === 1 ? 'worker' : 'workers'}
      </Fact>
      <Fact name="Slot">{worker.slot}</Fact>
      <Fact name="Machine class">{worker.machine_class ?? 'none: it takes jobs that ask for no class'}</Fact>
      <Fact name="Machine">{size.length === 0 ? 'unknown' : size.join(', ')}</Fact>
      <Fact name="Platform">{worker.platform === '' ? 'unknown' : worker.platform}</Fact>
      <Fact name="Process" copy={worker.process_id === null ? null : String(worker.process_id)}>
        {worker.process_id ?? 'unknown'}
      </Fact>
      <Fact name="Script">{worker.has_script ? 'has one: jobs without a command can run here' : 'none: it runs jobs that bring a command'}</Fact>
      <Fact name="Takes jobs of">
        <Served worker={worker} />
      </Fact>
      <Fact name="Registered">
        <Moment at={worker.registered_at} />
      </Fact>
      <Fact name="Last poll">
        <Moment at={worker.last_seen_at} />
        {worker.status === 'disabled' ? '' : `, at least every ${durationText(worker.next_sync_within_seconds * 1000)}`}
      </Fact>
      <Fact name="Version">{worker.agent_version}</Fact>
    </dl>
  );
}

function Served({ worker }: { readonly worker: WorkerDetails }) {
  if (worker.experiments === null) return 'every experiment that its key may see';
  const more = worker.other_experiments === 0 ? '' : ` and ${countText(worker.other_experiments)} more`;
  return (
    <>
      {worker.experiments.map((name, index) => (
        <span key={name}>
          {index === 0 ? '' : ', '}
          <Link to="/experiments/$experiment/jobs" params={{ experiment: name }} className="dr-job-link">
            {name}
          </Link>
        </span>
      ))}
      {more}
    </>
  );
}
