// The top of the jobs page: five cards that filter, how far it is and when it may end, who works on it.
import { Group, Stack, Text, Tooltip } from '@mantine/core';
import { IconStack2, type Icon } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import type { ExperimentShape } from '../../contract/index.ts';
import { JOB_STATUSES, type JobStatus } from '../../core/job.ts';
import { countText } from '../components/bytes.ts';
import { PlainLink } from '../components/plain-link.tsx';
import { ProgressBar } from '../components/progress-bar.tsx';
import { STATUS_ICON, STATUS_WORD } from '../components/status.tsx';
import { durationText } from '../components/time.tsx';
import { useEta } from '../components/use-eta.ts';
import { stringifySearch } from '../search-params.ts';
import { NoWorker } from '../workers/no-worker.tsx';
import { withFilter, type JobsSearch } from './jobs-search.ts';
import type { Ahead } from './use-ahead.ts';

const MEANING: Record<JobStatus | 'total', string> = {
  total: 'All jobs ever created in this experiment, deleted ones included',
  pending: 'Waiting to be picked up by a worker',
  running: 'Held by a worker right now',
  done: 'Ended with exit code 0',
  aborted: 'Failed, timed out, was cancelled or lost, and has no retry left',
};

interface Props {
  readonly experiment: ExperimentShape;
  /** When the experiment was read, in milliseconds. */
  readonly at: number;
  readonly search: JobsSearch;
  readonly ahead: Ahead['jobs'];
}

export function Summary({ experiment, at, search, ahead }: Props) {
  const card = { experiment: experiment.name, search, ahead };
  const { counts } = experiment;
  return (
    <Stack gap="sm">
      <div className="dr-cards">
        <Card {...card} status={undefined} count={counts.created} label="Total" icon={IconStack2} />
        {JOB_STATUSES.map((status) => (
          <Card key={status} {...card} status={status} count={counts[status]} label={STATUS_WORD[status]} icon={STATUS_ICON[status]} />
        ))}
      </div>
      <Pace experiment={experiment} at={at} />
      <NoWorker experiment={experiment} />
    </Stack>
  );
}

interface CardProps extends Pick<Props, 'search' | 'ahead'> {
  readonly experiment: string;
  /** Undefined: the card of all jobs. */
  readonly status: JobStatus | undefined;
  readonly count: number;
  readonly label: string;
  readonly icon: Icon;
}

function Card({ experiment, search, ahead, status, count, label, icon: Symbol }: CardProps) {
  const filtered = withFilter(search, { status });
  return (
    <Tooltip label={MEANING[status ?? 'total']}>
      <PlainLink
        href={`/experiments/${encodeURIComponent(experiment)}/jobs${stringifySearch({ ...filtered })}`}
        ahead={() => ahead(filtered)}
        className="dr-card dr-stat"
        data-kind={status ?? 'total'}
        data-on={search.status === status ? true : undefined}
        aria-current={search.status === status ? 'true' : undefined}
      >
        <span className="dr-stat-label">
          <Symbol size={15} stroke={2} aria-hidden />
          {label}
        </span>
        <span className="dr-stat-count dr-num">{countText(count)}</span>
      </PlainLink>
    </Tooltip>
  );
}

function Pace({ experiment, at }: Pick<Props, 'experiment' | 'at'>) {
  const { counts, workers, name } = experiment;
  const eta = useEta(counts, at);
  const ended = counts.done + counts.aborted;
  if (counts.total + counts.expanding === 0) return null;
  return (
    <div className="dr-pace">
      <ProgressBar counts={counts} />
      <Group gap="lg" justify="space-between" wrap="wrap" mt={6} style={{ rowGap: 4 }}>
        <Text size="sm" className="dr-num">
          <b>{Math.floor((100 * ended) / Math.max(1, counts.total))}%</b>{' '}
          <Text span c="dimmed" size="sm">
            {countText(ended)} of {countText(counts.total)} ended
            {ended === counts.total ? '' : eta === null ? (counts.running > 0 ? ' · estimating the rest' : '') : ` · about ${durationText(eta)} left`}
            {counts.expanding === 0 ? '' : ` · ${countText(counts.expanding)} more are being created`}
          </Text>
        </Text>
        <Link to="/experiments/$experiment/workers" params={{ experiment: name }} className="dr-plain-link">
          <Group gap="md" wrap="nowrap">
            <WorkerCount tone="busy" count={workers.busy} word="busy" />
            <WorkerCount tone="good" count={workers.idle} word="idle" />
          </Group>
        </Link>
      </Group>
    </div>
  );
}

function WorkerCount({ tone, count, word }: { readonly tone: string; readonly count: number; readonly word: string }) {
  return (
    <Text size="sm" component="span" style={{ display: 'inline-flex', alignItems: 'center', gap: 6 }}>
      <span className="dr-live-dot" data-tone={count === 0 ? 'idle' : tone} />
      <b className="dr-num">{countText(count)}</b>
      <Text span c="dimmed" size="sm">
        {word} {count === 1 ? 'worker' : 'workers'}
      </Text>
    </Text>
  );
}
