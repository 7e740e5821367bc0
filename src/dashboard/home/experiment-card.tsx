// One experiment on the home page: what it is, how far it is, and what is wrong, each a link to where one can act.
import { Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconPlayerPause, IconPlugConnectedX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import type { ExperimentShape } from '../../contract/index.ts';
import { countText } from '../components/bytes.ts';
import { ProgressBar } from '../components/progress-bar.tsx';
import { StatusCounts } from '../components/status-counts.tsx';
import { Moment } from '../components/time.tsx';
import { useRights } from '../frame/session.tsx';
import { ExperimentMenu } from './experiment-menu.tsx';

export type Problem = 'no_worker' | 'aborted' | 'held';

export function problemOf(experiment: ExperimentShape): Problem | null {
  const { counts, workers } = experiment;
  if (counts.pending > 0 && experiment.held_at === null && workers.idle + workers.busy === 0) return 'no_worker';
  if (counts.aborted > 0) return 'aborted';
  return experiment.held_at !== null && counts.pending > 0 ? 'held' : null;
}

export function ExperimentCard({ experiment }: { readonly experiment: ExperimentShape }) {
  const { name, counts, workers } = experiment;
  const ended = counts.done + counts.aborted;
  const { own } = useRights();
  return (
    <article className="dr-card dr-experiment">
      <div className="dr-experiment-head">
        <div style={{ minWidth: 0 }}>
          <Link to="/experiments/$experiment/jobs" params={{ experiment: name }} className="dr-experiment-name">
            {name}
          </Link>
          {experiment.description === '' ? null : (
            <Text size="xs" c="dimmed" lineClamp={1}>
              {experiment.description}
            </Text>
          )}
        </div>
        <Group gap="md" wrap="nowrap" className="dr-experiment-facts">
          <ProblemTag problem={problemOf(experiment)} experiment={experiment} />
          <Text size="xs" c="dimmed">
            <Moment at={experiment.last_activity_at ?? experiment.created_at} prefix={experiment.last_activity_at === null ? 'created ' : 'active '} />
          </Text>
          {own ? <ExperimentMenu experiment={experiment} /> : null}
        </Group>
      </div>
      <div className="dr-experiment-bar">
        <ProgressBar counts={counts} />
        <Text size="xs" c="dimmed" className="dr-num" miw="9ch" ta="right" style={{ whiteSpace: 'nowrap' }}>
          {counts.total === 0 ? 'No jobs yet' : `${countText(ended)} / ${countText(counts.total)}`}
        </Text>
      </div>
      <StatusCounts experiment={name} counts={counts}>
        <Link to="/experiments/$experiment/workers" params={{ experiment: name }} className="dr-count dr-count-workers">
          <span className="dr-live-dot" data-tone={workers.busy > 0 ? 'busy' : workers.idle > 0 ? 'good' : 'idle'} />
          {workers.idle + workers.busy === 0 ? 'no workers' : `${countText(workers.busy)} busy, ${countText(workers.idle)} idle`}
        </Link>
      </StatusCounts>
    </article>
  );
}

function ProblemTag({ problem, experiment }: { readonly problem: Problem | null; readonly experiment: ExperimentShape }) {
  switch (problem) {
    case null:
      return null;
    case 'no_worker':
      return (
        <span className="dr-status" data-status="held">
          <IconPlugConnectedX size={14} aria-hidden /> No worker is connected
        </span>
      );
    case 'aborted':
      return (
        <span className="dr-status" data-status="aborted">
          <IconAlertTriangle size={14} aria-hidden /> {countText(experiment.counts.aborted)} aborted
        </span>
      );
    case 'held':
      return (
        <span className="dr-status" data-status="held">
          <IconPlayerPause size={14} aria-hidden /> Queue held
        </span>
      );
  }
}
