// Why a job stands where it stands, in one line under its name, when that is not plain from the badge.
import { Alert, Text } from '@mantine/core';
import { IconAlertTriangle, IconBan, IconHourglassHigh, IconPlayerPause } from '@tabler/icons-react';

import type { JobShape } from '../../contract/index.ts';
import { statusLabel } from '../components/status.tsx';
import { Moment } from '../components/time.tsx';

export function Outcome({ job }: { readonly job: JobShape }) {
  if (job.status === 'aborted') {
    return (
      <Alert color="red" variant="light" icon={<IconAlertTriangle size={18} />} title={`${statusLabel(job)}${endText(job)}`} mb="md" p="sm">
        {job.message === null || job.message === '' ? null : (
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
  if (job.status !== 'pending') return null;
  if (job.held_at !== null) {
    return (
      <Alert color="yellow" variant="light" icon={<IconPlayerPause size={18} />} mb="md" p="sm">
        Held <Moment at={job.held_at} />: no worker may take it until it is let run. Its place in the queue stays.
      </Alert>
    );
  }
  if (job.not_before === null) return null;
  return (
    <Alert color="yellow" variant="light" icon={<IconHourglassHigh size={18} />} mb="md" p="sm">
      The last attempt ended badly{endText(job)}; the next one may start <Moment at={job.not_before} />.
    </Alert>
  );
}

function endText(job: JobShape): string {
  if (job.exit_code !== null && job.exit_code !== 0) return `, exit code ${job.exit_code}`;
  return job.signal === null ? '' : `, ${job.signal}`;
}
