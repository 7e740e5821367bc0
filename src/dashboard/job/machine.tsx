// What the machine that ran an attempt did meanwhile: processors, memory, load, disk and GPUs, from the start of the attempt to its end.
import { ActionIcon, Skeleton, Text, Tooltip } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';

import { ApiError, type AttemptShape } from '../../contract/index.ts';
import { machineFigures, type MachineFigure } from '../charts/machine-figures.ts';
import { ErrorNotice } from '../components/states.tsx';
import { useLive } from '../live/live-provider.tsx';
import { queries, type JobKey } from '../queries.ts';
import { Panel } from './panel.tsx';

const MachineCharts = lazy(() => import('../charts/machine-charts.tsx').then((module) => ({ default: module.MachineCharts })));

interface Props {
  readonly job: JobKey;
  readonly attempt: AttemptShape;
}

/** Agents measure this often. */
const MEASURED_EVERY_MS = 15_000;

export function Machine({ job, attempt }: Props) {
  const [open, setOpen] = useLocalStorage({ key: 'drover.job-machine', defaultValue: true });
  const Arrow = open ? IconChevronDown : IconChevronRight;
  const label = open ? 'Hide what the machine did' : 'Show what the machine did';
  return (
    <Panel
      title="Machine"
      action={
        <>
          <Text span size="xs" c="dimmed">{`whole machine, attempt ${attempt.attempt}`}</Text>
          <Tooltip label={label}>
            <ActionIcon onClick={() => setOpen(!open)} aria-expanded={open} aria-label={label}>
              <Arrow size={16} />
            </ActionIcon>
          </Tooltip>
        </>
      }
      closed={!open}
    >
      {open ? <MachineBody key={attempt.attempt} job={job} attempt={attempt} /> : null}
    </Panel>
  );
}

function MachineBody({ job, attempt }: Props) {
  const { paused } = useLive();
  const runs = attempt.outcome === null;
  const query = useQuery({ ...queries.machine(job, attempt), refetchInterval: runs && !paused ? MEASURED_EVERY_MS : false });
  if (query.isError) {
    if (query.error instanceof ApiError && query.error.code === 'not_found') return <Note>Its worker was forgotten, and with it what its machine did.</Note>;
    return <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  }
  if (query.data === undefined)
    return (
      <output className="dr-block" aria-label="Loading">
        <Skeleton height={150} radius="sm" />
      </output>
    );
  if (query.data.series.length === 0) {
    return (
      <Note>
        {runs
          ? 'Nothing was measured yet; a machine is measured every 15 seconds.'
          : 'No figures: a machine is measured every 15 seconds, and old figures are not kept.'}
      </Note>
    );
  }
  const pieces = query.data.series[0]!.mean.filter((value) => value !== null).length;
  if (!runs && pieces < 2) return <OneSample figures={machineFigures(query.data)} />;
  return (
    <Suspense fallback={<Skeleton height={150} radius="sm" />}>
      <MachineCharts
        experiment={`${job.experiment} ${job.number}`}
        worker={attempt.worker_id}
        reply={query.data}
        state={{ isPending: false, error: null, refetch: query.refetch }}
      />
    </Suspense>
  );
}

/** A chart of one point says less than its number. */
function OneSample({ figures }: { readonly figures: readonly MachineFigure[] }) {
  return (
    <dl className="dr-one-sample">
      {figures.map(({ title, lines, format }) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd className="dr-num">{lines.map(({ series }) => format(series.mean.find((value) => value !== null) ?? 0)).join(', ')}</dd>
        </div>
      ))}
    </dl>
  );
}

function Note({ children }: { readonly children: string }) {
  return (
    <Text size="sm" c="dimmed">
      {children}
    </Text>
  );
}
