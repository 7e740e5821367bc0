// A job beside the list that it was chosen from: everything of its page, in one column, while the list stays where it is.
import { ActionIcon, Box, Button, Group, Loader, Title, Tooltip } from '@mantine/core';
import { IconArrowsMaximize, IconChevronDown, IconChevronUp, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';

import type { JobShape } from '../../contract/index.ts';
import { formatJobReference } from '../../core/identifiers.ts';
import { ErrorNotice } from '../components/states.tsx';
import { JobStatusBadge } from '../components/status.tsx';
import { JobDuration } from '../components/time.tsx';
import { WithoutShortcuts } from '../frame/shortcuts.tsx';
import { ActionMenu, type JobAction } from '../jobs/job-actions.tsx';
import { queries } from '../queries.ts';
import { JobBody } from './job-body.tsx';
import type { JobSearch } from './job-search.ts';
import { Outcome } from './outcome.tsx';

interface Props {
  readonly experiment: string;
  readonly number: number;
  readonly actions: (job: JobShape) => readonly JobAction[];
  /** The jobs above and below it in the list; null: none. */
  readonly neighbours: { readonly above: number | null; readonly below: number | null };
  readonly open: (number: number) => void;
  readonly close: () => void;
}

export function JobAside({ experiment, number, actions, neighbours, open, close }: Props) {
  const query = useQuery(queries.job({ experiment, number }));
  const [search, setSearch] = useState<JobSearch>({});
  const heading = useRef<HTMLHeadingElement>(null);
  const reference = formatJobReference(experiment, number);
  // Whoever hears the page instead of seeing it is led to what was opened.
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <aside className="dr-aside" aria-label={`Job ${reference}`}>
      <div className="dr-aside-head">
        <Title order={2} className="dr-num" ref={heading} tabIndex={-1}>
          {reference}
        </Title>
        {query.data === undefined ? null : (
          <>
            <JobStatusBadge job={query.data.job} />
            {query.data.job.started_at === null ? null : <JobDuration job={query.data.job} />}
          </>
        )}
        <Group gap={4} ml="auto" wrap="nowrap">
          <Step label="The job above" number={neighbours.above} open={open} icon={IconChevronUp} />
          <Step label="The job below" number={neighbours.below} open={open} icon={IconChevronDown} />
          <Button
            variant="default"
            size="xs"
            leftSection={<IconArrowsMaximize size={14} />}
            renderRoot={(props) => (
              <Link {...props} to="/experiments/$experiment/jobs/$number" params={{ experiment, number: String(number) }} search={search} />
            )}
          >
            Open page
          </Button>
          {query.data === undefined ? null : <JobActions job={query.data.job} actions={actions} />}
          <Tooltip label="Close (Esc)">
            <ActionIcon onClick={close} aria-label="Close the job">
              <IconX size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      </div>
      <div className="dr-aside-body">
        {query.isError ? <ErrorNotice error={query.error} retry={() => void query.refetch()} /> : null}
        {query.data === undefined ? (
          query.isError ? null : (
            <Box p={60} ta="center">
              <Loader aria-label="Loading the job" />
            </Box>
          )
        ) : (
          <WithoutShortcuts>
            <Outcome job={query.data.job} />
            <JobBody job={query.data.job} attempts={query.data.attempts} search={search} change={setSearch} columns={1} />
          </WithoutShortcuts>
        )}
      </div>
    </aside>
  );
}

function JobActions({ job, actions }: { readonly job: JobShape; readonly actions: Props['actions'] }) {
  const possible = actions(job);
  return possible.length === 0 ? null : <ActionMenu label={`Actions for job ${job.number}`} actions={() => possible} size="md" />;
}

interface StepProps {
  readonly label: string;
  readonly number: number | null;
  readonly open: (number: number) => void;
  readonly icon: typeof IconChevronUp;
}

function Step({ label, number, open, icon: Symbol }: StepProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} disabled={number === null} onClick={() => (number === null ? undefined : open(number))}>
        <Symbol size={16} />
      </ActionIcon>
    </Tooltip>
  );
}
