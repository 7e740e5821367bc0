// Why a job stands where it stands, in one line under its name, when that is not plain from the badge.
import { Alert, Text } from '@mantine/core';
import { IconAlertTriangle, IconBan, IconHourglassHigh, IconPlayerPause } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';

import type { JobShape } from '../../contract/index.ts';
import { statusLabel } from '../components/status.tsx';
import { Moment } from '../components/time.tsx';
import { queries } from '../queries.ts';
import { saysOnlyExitCode } from './event-text.ts';
import { isHeldSinceCreation } from './holds.ts';

export function Outcome({ job }: { readonly job: JobShape }) {
  if (job.status === 'aborted') {
    return (
      <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />} title={`${statusLabel(job)}${endText(job)}`} mb="md" p="sm">
        {job.message === null || job.message === '' || (job.exit_code !== null && saysOnlyExitCode(job.message)) ? null : (
          <Text size="sm" className="dr-mono" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {job.message}
          </Text>
        )}
      </Alert>
    );
  }
  if (job.status === 'running' && job.cancel_requested_at !== null) {
    return (
      <Alert color="yellow" variant="light" icon={<IconBan size={18} />} mb="md" p="sm">
        Cancel was asked <Moment at={job.cancel_requested_at} />; waiting for its agent to confirm. A success that arrives first counts.
      </Alert>
    );
  }
  return job.status === 'pending' ? <Waiting job={job} /> : null;
}

/** What the job itself says is known at once; the rest is asked of the server. */
function Waiting({ job }: { readonly job: JobShape }) {
  const query = useQuery(queries.wait({ experiment: job.experiment, number: job.number }));
  if (job.held_at !== null) {
    return (
      <Alert color="yellow" variant="light" icon={<IconPlayerPause size={18} />} mb="md" p="sm">
        {isHeldSinceCreation(job) ? 'On hold since its creation' : 'Held'} <Moment at={job.held_at} />: no worker may take it until it is let run. It keeps its
        place in the queue.
      </Alert>
    );
  }
  if (job.not_before !== null) {
    return (
      <Alert color="yellow" variant="light" icon={<IconHourglassHigh size={18} />} mb="md" p="sm">
        The last attempt ended badly{endText(job)}; the next one may start <Moment at={job.not_before} />.
      </Alert>
    );
  }
  const wait = query.data?.wait ?? null;
  if (wait === null) return null;
  return (
    <Alert color={ORDINARY.has(wait.reason) ? 'gray' : 'yellow'} variant="light" icon={<IconHourglassHigh size={18} />} mb="md" p="sm" title="Why it waits">
      {wait.sentence}
    </Alert>
  );
}

/** It will run without anybody's doing. */
const ORDINARY: ReadonlySet<string> = new Set(['busy', 'no_room', 'queue', 'next', 'kept']);

function endText(job: JobShape): string {
  if (job.exit_code !== null && job.exit_code !== 0) return `, exit code ${job.exit_code}`;
  return job.signal === null ? '' : `, ${job.signal}`;
}
