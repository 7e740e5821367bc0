// A status as people read it: colour, icon and word. A pending job that is held or waits for a retry says so.
import {
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconClockPause,
  IconHourglassHigh,
  IconLoader2,
  IconPlayerPause,
  type Icon,
} from '@tabler/icons-react';

import type { JobShape } from '../../contract/index.ts';
import type { Outcome } from '../../core/attempt.ts';
import type { JobStatus } from '../../core/job.ts';

export const STATUS_WORD: Record<JobStatus, string> = { pending: 'Pending', running: 'Running', done: 'Done', aborted: 'Aborted' };

export const STATUS_ICON: Record<JobStatus, Icon> = {
  pending: IconCircleDashed,
  running: IconLoader2,
  done: IconCircleCheck,
  aborted: IconCircleX,
};

export const OUTCOME_WORD: Record<Outcome, string> = {
  succeeded: 'Succeeded',
  failed: 'Failed',
  timed_out: 'Timed out',
  cancelled: 'Cancelled',
  lost: 'Lost',
  released: 'Given back',
};

const OUTCOME_TONE: Record<Outcome, 'done' | 'aborted' | 'held' | 'pending'> = {
  succeeded: 'done',
  failed: 'aborted',
  timed_out: 'aborted',
  cancelled: 'pending',
  lost: 'held',
  released: 'pending',
};

interface BadgeProps {
  readonly tone: JobStatus | 'held';
  readonly icon: Icon;
  readonly label: string;
  readonly spin?: boolean;
}

function Badge({ tone, icon: Symbol, label, spin = false }: BadgeProps) {
  return (
    <span className="dr-status" data-status={tone}>
      <Symbol size={14} stroke={2.2} aria-hidden className={spin ? 'dr-spin' : undefined} />
      {label}
    </span>
  );
}

/** What a job's badge says, e.g. `Retry waits` for a pending job in its back-off. */
export function statusLabel(job: JobShape): string {
  if (job.status === 'pending' && job.held_at !== null) return 'Held';
  if (job.status === 'pending' && job.not_before !== null) return 'Retry waits';
  if (job.status === 'running' && job.cancel_requested_at !== null) return 'Cancelling';
  if (job.status === 'aborted' && job.outcome !== null && job.outcome !== 'failed') return OUTCOME_WORD[job.outcome];
  return STATUS_WORD[job.status];
}

export function JobStatusBadge({ job }: { readonly job: JobShape }) {
  const label = statusLabel(job);
  switch (job.status) {
    case 'pending':
      if (job.held_at !== null) return <Badge tone="held" icon={IconPlayerPause} label={label} />;
      return <Badge tone="pending" icon={job.not_before === null ? IconCircleDashed : IconHourglassHigh} label={label} />;
    case 'running':
      return <Badge tone={job.cancel_requested_at === null ? 'running' : 'held'} icon={IconLoader2} label={label} spin />;
    case 'done':
      return <Badge tone="done" icon={IconCircleCheck} label={label} />;
    case 'aborted':
      return <Badge tone="aborted" icon={job.outcome === 'timed_out' ? IconClockPause : IconCircleX} label={label} />;
  }
}

export function OutcomeBadge({ outcome }: { readonly outcome: Outcome | null }) {
  if (outcome === null) return <Badge tone="running" icon={IconLoader2} label="Running" spin />;
  const tone = OUTCOME_TONE[outcome];
  return <Badge tone={tone} icon={tone === 'done' ? IconCircleCheck : tone === 'aborted' ? IconCircleX : IconCircleDashed} label={OUTCOME_WORD[outcome]} />;
}
