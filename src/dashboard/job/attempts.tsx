// The tries of a job, newest first: who had it, how long it waited and ran, how it ended. A click shows that try's log.
import { Text, Tooltip, UnstyledButton } from '@mantine/core';

import type { AttemptShape, JobShape } from '../../contract/index.ts';
import { OUTCOME_WORD, OutcomeBadge } from '../components/status.tsx';
import { durationText, Elapsed, exactText, Moment } from '../components/time.tsx';

interface Props {
  readonly job: JobShape;
  readonly attempts: readonly AttemptShape[];
  readonly shown: number;
  readonly show: (attempt: number) => void;
}

export function AttemptList({ job, attempts, shown, show }: Props) {
  if (attempts.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {job.status === 'pending' ? 'Not tried yet: it waits for a worker.' : 'It ended without having been tried.'}
      </Text>
    );
  }
  const newestFirst = [...attempts].sort((a, b) => b.attempt - a.attempt || a.rank - b.rank);
  return (
    <ol className="dr-attempts">
      {newestFirst.map((attempt) => (
        <li key={`${attempt.attempt} ${attempt.rank}`}>
          <UnstyledButton className="dr-attempt" onClick={() => show(attempt.attempt)} aria-pressed={attempt.attempt === shown} title="Show its output">
            <span className="dr-attempt-head">
              <b className="dr-num">#{attempt.attempt}</b>
              <OutcomeBadge outcome={attempt.outcome} />
              <span className="dr-attempt-time">
                <AttemptTime attempt={attempt} />
              </span>
            </span>
            <AttemptFacts attempt={attempt} job={job} />
          </UnstyledButton>
        </li>
      ))}
    </ol>
  );
}

function AttemptTime({ attempt }: { readonly attempt: AttemptShape }) {
  if (attempt.duration_ms !== null) return <>{durationText(attempt.duration_ms)}</>;
  return attempt.outcome === null && attempt.started_at !== null ? <Elapsed since={attempt.started_at} /> : null;
}

function AttemptFacts({ attempt, job }: { readonly attempt: AttemptShape; readonly job: JobShape }) {
  const start = attempt.started_at === null ? null : Date.parse(attempt.started_at) - Date.parse(attempt.claimed_at);
  const timing = `claimed ${exactText(attempt.claimed_at)}${start === null ? '' : `, process began ${durationText(start)} later`}${attempt.finished_at === null ? '' : `, ended ${exactText(attempt.finished_at)}`}`;
  return (
    <span className="dr-attempt-facts">
      <span className="dr-mono dr-truncate">{attempt.worker_id}</span>
      <Tooltip label={timing}>
        <span>
          <Moment at={attempt.claimed_at} />
        </span>
      </Tooltip>
      {attempt.exit_code === null ? null : <span className="dr-num">exit {attempt.exit_code}</span>}
      {attempt.signal === null ? null : <span>{attempt.signal}</span>}
      {attempt.rank === 0 ? null : <span>rank {attempt.rank}</span>}
      {attempt.revision === job.revision ? null : <span>before an edit</span>}
      {attempt.message === null || attempt.message === '' ? null : <span className="dr-attempt-message">{attempt.message}</span>}
      {attempt.evidence === null ? null : (
        <span className="dr-attempt-message">
          Reported later as {OUTCOME_WORD[attempt.evidence.outcome].toLowerCase()}
          {attempt.evidence.exit_code === null ? '' : `, exit ${attempt.evidence.exit_code}`}; kept as evidence, the job was not changed.
        </span>
      )}
    </span>
  );
}
