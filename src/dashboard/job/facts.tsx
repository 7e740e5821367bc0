// The settings of a job, as facts.
import { useQuery } from '@tanstack/react-query';

import type { JobShape } from '../../contract/index.ts';
import { bytesText } from '../components/bytes.ts';
import { Fact } from '../components/fact.tsx';
import { durationText, Moment } from '../components/time.tsx';
import { queries } from '../queries.ts';

export function Facts({ job }: { readonly job: JobShape }) {
  const settings = useQuery(queries.experiment(job.experiment)).data?.settings;
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
      <Fact name="Attempts at most">{job.max_attempts ?? inherited(settings?.max_attempts)}</Fact>
      <Fact name="Time limit">
        {job.timeout_seconds === null ? inherited(settings && limitText(settings.timeout_seconds)) : limitText(job.timeout_seconds)}
      </Fact>
      {job.tags.length === 0 ? null : <Fact name="Tags">{job.tags.join(', ')}</Fact>}
      {job.matrix_id === null ? null : <Fact name="Matrix">{job.matrix_id}</Fact>}
      {job.results_dir === null ? null : (
        <Fact name="Results go to" copy={job.results_dir}>
          <span className="dr-mono">{job.results_dir}</span>
        </Fact>
      )}
      {job.forgotten_at === null ? null : (
        <Fact name="Forgotten">
          <Moment at={job.forgotten_at} />
        </Fact>
      )}
      <Fact name="Created">
        <Moment at={job.created_at} />
      </Fact>
      <Fact name="Finished">
        <Moment at={job.finished_at} />
      </Fact>
    </dl>
  );
}

/** The job says nothing of its own. */
function inherited(value: string | number | undefined): string {
  return value === undefined ? 'as the experiment says' : `${value} (from the experiment)`;
}

function limitText(seconds: number | null): string {
  return seconds === null ? 'none' : durationText(seconds * 1000);
}
