// What there is to see of a job, on its own page in two columns and beside the list in one.
import { Text } from '@mantine/core';

import type { AttemptShape, JobShape } from '../../contract/index.ts';
import { isEnded } from '../../core/job.ts';
import { CopyIcon } from '../components/copy.tsx';
import { ParamList } from '../components/params.tsx';
import { LogViewer } from '../log/log-viewer.tsx';
import { Attempts } from './attempts.tsx';
import { Checkpoints } from './checkpoints.tsx';
import { ExecutionPanel } from './execution.tsx';
import { Facts } from './facts.tsx';
import { Files } from './files.tsx';
import { History } from './history.tsx';
import { readLine, type JobSearch, type StreamChoice } from './job-search.ts';
import { Machine } from './machine.tsx';
import { Metrics } from './metrics.tsx';
import { Panel } from './panel.tsx';
import { JobVariables } from './variables.tsx';

interface Props {
  readonly job: JobShape;
  readonly attempts: readonly AttemptShape[];
  /** Which attempt and stream is shown. */
  readonly search: JobSearch;
  readonly change: (search: JobSearch) => void;
  readonly columns: 1 | 2;
}

export function JobBody({ job, attempts, search, change, columns }: Props) {
  const ended = isEnded(job.status);
  const of = { experiment: job.experiment, number: job.number };
  const newest = attempts.reduce((highest, each) => Math.max(highest, each.attempt), 0);
  const attempt = search.attempt !== undefined && search.attempt <= newest ? search.attempt : newest;
  const shown = attempts.find((each) => each.attempt === attempt);
  // Another attempt or stream has other lines.
  const show = (next: { attempt?: number; stream?: StreamChoice; line?: string }): void => {
    const { attempt: chosen = newest, stream } = { ...search, ...next };
    const line = next.line === undefined ? {} : { line: next.line };
    // A link to a line of the newest attempt must not mean another one when there is a newer.
    const named = chosen === newest && next.line === undefined ? {} : { attempt: chosen };
    change({ ...named, ...(stream === undefined || stream === 'both' ? {} : { stream }), ...line });
  };
  const params = (
    <Panel title="Parameters" action={<CopyIcon text={JSON.stringify(job.params, null, 2)} what="params as JSON" />}>
      <ParamList params={job.params} />
    </Panel>
  );
  const about = (
    <>
      <Panel title="Command" late action={job.command === null ? null : <CopyIcon text={job.command} what="command" />}>
        {job.command === null ? <Text size="sm">The script that its worker was started with.</Text> : <pre className="dr-job-command">{job.command}</pre>}
        <JobVariables job={of} />
      </Panel>
      {shown === undefined ? null : <ExecutionPanel key={attempt} job={of} attempt={shown} />}
      <Panel title="Details" late>
        <Facts job={job} />
      </Panel>
    </>
  );
  const tries = (
    <Panel title="Attempts" count={attempts.length}>
      <Attempts job={job} attempts={attempts} shown={attempt} show={(next) => show({ attempt: next })} />
    </Panel>
  );
  const output =
    attempt === 0 ? null : (
      <section aria-label="Output">
        <LogViewer
          key={attempt}
          {...of}
          attempt={attempt}
          stream={search.stream ?? 'both'}
          setStream={(stream) => show({ stream })}
          line={readLine(search.line)}
          setLine={(place) => show(place === null ? {} : { line: `${place.stream}.${place.offset}` })}
        />
      </section>
    );
  const measured = (
    <>
      <Metrics job={of} ended={ended} />
      {shown === undefined ? null : <Machine job={of} attempt={shown} />}
    </>
  );
  const left = (
    <>
      <Checkpoints job={of} />
      <Files job={of} ended={ended} />
    </>
  );
  if (columns === 1) {
    return (
      <div className="dr-job dr-job-main" data-columns={1}>
        {params}
        {output}
        {left}
        {measured}
        {tries}
        {about}
        <History job={of} />
      </div>
    );
  }
  return (
    <div className="dr-job">
      <div className="dr-job-side">
        {params}
        {about}
      </div>
      <div className="dr-job-main">
        {tries}
        {output}
        {measured}
        {left}
        <History job={of} />
      </div>
    </div>
  );
}
