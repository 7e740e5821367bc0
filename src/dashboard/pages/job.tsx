// The job page: what it was given, how each try went, what it wrote, measured and left behind.
import { Box, Button, Group, Loader, Title, Tooltip } from '@mantine/core';
import { IconArrowLeft, IconArrowsDiff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';

import type { AttemptShape, JobShape } from '../../contract/index.ts';
import { formatJobReference } from '../../core/identifiers.ts';
import { withNumbers } from '../compare/compare-search.ts';
import { CopyIcon } from '../components/copy.tsx';
import { ErrorNotice } from '../components/states.tsx';
import { JobStatusBadge } from '../components/status.tsx';
import { JobDuration, Moment } from '../components/time.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { JobBody } from '../job/job-body.tsx';
import type { JobSearch } from '../job/job-search.ts';
import { Outcome } from '../job/outcome.tsx';
import { EditJob } from '../jobs/edit-job.tsx';
import { ActionMenu, useJobActions, type JobAction } from '../jobs/job-actions.tsx';
import { ProgressCell } from '../jobs/job-columns.tsx';
import { queries, type JobKey } from '../queries.ts';
import { NotFoundPage } from './not-found.tsx';

const ROUTE = '/frame/experiments/$experiment/jobs/$number';

export function JobPage() {
  const { experiment, number } = useParams({ from: ROUTE });
  return /^[1-9]\d{0,14}$/.test(number) ? <NumberedJob experiment={experiment} number={Number(number)} /> : <NotFoundPage />;
}

function NumberedJob({ experiment, number }: JobKey) {
  useDocumentTitle(formatJobReference(experiment, number));
  const navigate = useNavigate();
  const query = useQuery(queries.job({ experiment, number }));
  const open = (next: number): void => void navigate({ to: '/experiments/$experiment/jobs/$number', params: { experiment, number: String(next) } });
  useShortcuts([
    { keys: 'g j', label: 'Go to Jobs', run: () => void navigate({ to: '/experiments/$experiment/jobs', params: { experiment } }) },
    { keys: 'j', label: 'Next job', run: () => open(number + 1) },
    { keys: 'k', label: 'Previous job', run: () => open(Math.max(1, number - 1)) },
  ]);
  if (query.isError) {
    return (
      <Box maw={640} mx="auto">
        <ErrorNotice error={query.error} retry={() => void query.refetch()} />
        <Button
          mt="md"
          variant="default"
          leftSection={<IconArrowLeft size={14} />}
          renderRoot={(props) => <Link to="/experiments/$experiment/jobs" params={{ experiment }} {...props} />}
        >
          All jobs of {experiment}
        </Button>
      </Box>
    );
  }
  if (query.data === undefined) {
    return (
      <Box p={80} ta="center">
        <Loader aria-label="Loading the job" />
      </Box>
    );
  }
  return <JobView key={`${experiment}/${number}`} job={query.data.job} attempts={query.data.attempts} />;
}

function JobView({ job, attempts }: { readonly job: JobShape; readonly attempts: readonly AttemptShape[] }) {
  const { experiment, number } = job;
  const navigate = useNavigate();
  const search = useSearch({ from: ROUTE });
  const change = (next: JobSearch): void =>
    void navigate({
      to: '/experiments/$experiment/jobs/$number',
      params: { experiment, number: String(number) },
      search: next,
      replace: true,
      resetScroll: false,
    });
  return (
    <>
      <JobHeader job={job} />
      <Outcome job={job} />
      <JobBody job={job} attempts={attempts} search={search} change={change} columns={2} />
    </>
  );
}

function JobHeader({ job }: { readonly job: JobShape }) {
  const navigate = useNavigate();
  const [edited, setEdited] = useState<JobShape | null>(null);
  const back = (): void => void navigate({ to: '/experiments/$experiment/jobs', params: { experiment: job.experiment } });
  const actions = useJobActions({ edit: setEdited, onDeleted: back })(job);
  const reference = formatJobReference(job.experiment, job.number);
  return (
    <div className="dr-job-head">
      <Group gap={8} wrap="nowrap">
        <Title order={1} className="dr-num">
          {reference}
        </Title>
        <CopyIcon text={reference} what="job reference" />
      </Group>
      <JobStatusBadge job={job} />
      <Group gap="md" className="dr-job-head-facts">
        {job.started_at === null ? <Moment at={job.created_at} prefix="created " /> : <Moment at={job.started_at} prefix="started " />}
        {job.started_at === null ? null : (
          <Tooltip label="Run time of the newest attempt">
            <span>
              <JobDuration job={job} />
            </span>
          </Tooltip>
        )}
        {job.progress === null ? null : <ProgressCell job={job} />}
      </Group>
      <HeadActions job={job} actions={actions} />
      <EditJob job={edited} close={() => setEdited(null)} />
    </div>
  );
}

function HeadActions({ job, actions }: { readonly job: JobShape; readonly actions: readonly JobAction[] }) {
  return (
    <Group gap={6} ml="auto" wrap="nowrap">
      <Button
        variant="default"
        leftSection={<IconArrowsDiff size={14} />}
        renderRoot={(props) => (
          <Link {...props} to="/experiments/$experiment/compare" params={{ experiment: job.experiment }} search={withNumbers({}, [job.number])} />
        )}
      >
        Compare
      </Button>
      <Group gap={6} visibleFrom="sm" wrap="nowrap">
        {actions.map(({ id, label, icon: Symbol, danger, run }) => (
          <Button key={id} variant="default" leftSection={<Symbol size={14} {...(danger ? { color: 'var(--dr-aborted)' } : {})} />} onClick={run}>
            {label}
          </Button>
        ))}
      </Group>
      {actions.length === 0 ? null : (
        <Box hiddenFrom="sm">
          <ActionMenu label={`Actions for job ${job.number}`} actions={() => actions} size="md" />
        </Box>
      )}
    </Group>
  );
}
