// The settings of a job, as facts.
import type { ReactNode } from 'react';

import type { JobShape } from '../../contract/index.ts';
import { bytesText } from '../components/bytes.ts';
import { CopyIcon } from '../components/copy.tsx';
import { durationText, Moment } from '../components/time.tsx';

export function Facts({ job }: { readonly job: JobShape }) {
  const { cpus, memory_mb: memory, gpus } = job.resources;
  const needs = [cpus > 0 ? `${cpus} CPU` : null, memory > 0 ? bytesText(memory * 1e6) : null, gpus > 0 ? `${gpus} GPU` : null].filter((part) => part !== null);
  return (
    <dl className="dr-facts">
      <Fact name="Worker" copy={job.worker_id}>
        {job.worker_id === null ? 'none yet' : <span className="dr-mono">{job.worker_id}</span>}
      </Fact>
      <Fact name="Machine class">{job.machine_class ?? 'any'}</Fact>
      {needs.length === 0 ? null : <Fact name="Needs">{needs.join(', ')}</Fact>}
      <Fact name="Priority">{job.priority}</Fact>
      <Fact name="Attempts at most">{job.max_attempts ?? 'as the experiment says'}</Fact>
      <Fact name="Time limit">{job.timeout_seconds === null ? 'as the experiment says' : durationText(job.timeout_seconds * 1000)}</Fact>
      {job.tags.length === 0 ? null : <Fact name="Tags">{job.tags.join(', ')}</Fact>}
      {job.matrix_id === null ? null : <Fact name="Matrix">{job.matrix_id}</Fact>}
      <Fact name="Created">
        <Moment at={job.created_at} />
      </Fact>
      <Fact name="Finished">
        <Moment at={job.finished_at} />
      </Fact>
    </dl>
  );
}

interface FactProps {
  readonly name: string;
  readonly copy?: string | null;
  readonly children: ReactNode;
}

function Fact({ name, copy = null, children }: FactProps) {
  return (
    <div className="dr-fact">
      <dt>{name}</dt>
      <dd>
        <span className="dr-fact-value">{children}</span>
        {copy === null ? null : <CopyIcon text={copy} what={name.toLowerCase()} />}
      </dd>
    </div>
  );
}
