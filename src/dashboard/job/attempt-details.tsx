// One try of a job in words: who had it, how long it waited and took to start, how it ended, and what was heard of it afterwards.
import { Text } from '@mantine/core';

import type { AttemptShape, JobShape } from '../../contract/index.ts';
import { bytesText } from '../components/bytes.ts';
import { CopyIcon } from '../components/copy.tsx';
import { OUTCOME_WORD } from '../components/status.tsx';
import { durationText, exactText, Moment } from '../components/time.tsx';
import type { TimelineRow, WaitKind } from './attempt-timeline.ts';
import { saysOnlyExitCode } from './event-text.ts';

interface Props {
  readonly job: JobShape;
  readonly attempt: AttemptShape;
  readonly waits: TimelineRow['waits'];
}

const WAIT_WORD: Record<WaitKind, string> = {
  wait: 'in the queue',
  created_held: 'on hold since its creation',
  hold: 'on hold',
  queue_hold: 'with the whole queue on hold',
  back_off: 'of back-off',
  ended: 'ended',
};

const LIST = new Intl.ListFormat('en', { type: 'conjunction' });

export function AttemptDetails({ job, attempt, waits }: Props) {
  const { worker_id, machine, exit_code, signal, message, evidence, revision, log_bytes } = attempt;
  return (
    <div className="dr-attempt-details">
      <p>
        <b>Attempt {attempt.attempt}</b>
        <span className="dr-mono">{worker_id}</span>
        <CopyIcon text={worker_id} what="worker id" />
        {machine === null ? null : (
          <span>
            on <span className="dr-mono">{machine}</span>
          </span>
        )}
        <span className="dr-attempt-moments">
          claimed <Moment at={attempt.claimed_at} />
          {waits.length === 0 ? '' : `, after ${LIST.format(waits.map(({ kind, ms }) => `${durationText(ms)} ${WAIT_WORD[kind]}`))}`}
          {startText(attempt)}
        </span>
      </p>
      <p>
        <span>{attempt.finished_at === null ? 'not ended yet' : `ended ${exactText(attempt.finished_at)}`}</span>
        {exit_code === null ? null : <span className="dr-num">exit code {exit_code}</span>}
        {signal === null ? null : <span>{signal}</span>}
        {revision === job.revision ? null : <span>with the params before an edit</span>}
        <span className="dr-num">{`${bytesText(log_bytes.stdout + log_bytes.stderr)} of output`}</span>
      </p>
      {message === null || message === '' || (exit_code !== null && saysOnlyExitCode(message)) ? null : (
        <Text size="sm" className="dr-attempt-message">
          {message}
        </Text>
      )}
      {evidence === null ? null : (
        <Text size="sm" className="dr-attempt-message">
          Reported later as {OUTCOME_WORD[evidence.outcome].toLowerCase()}
          {evidence.exit_code === null ? '' : `, exit ${evidence.exit_code}`}; kept as evidence, the job was not changed.
        </Text>
      )}
    </div>
  );
}

function startText({ claimed_at, started_at, outcome }: AttemptShape): string {
  if (started_at === null) return outcome === null ? '; its process has not begun yet' : '; its process never began';
  return `; its process began ${durationText(Math.max(0, Date.parse(started_at) - Date.parse(claimed_at)))} later`;
}
