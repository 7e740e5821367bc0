// The Workers tab: those that poll, and those that stopped.
import { Group, Stack, Text, TextInput } from '@mantine/core';
import { IconSearch, IconServer2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useRef } from 'react';

import type { WorkerShape } from '../../contract/index.ts';
import { countText } from '../components/bytes.ts';
import { CommandLine } from '../components/copy.tsx';
import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { useRights } from '../frame/session.tsx';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { queries } from '../queries.ts';
import { useRevokeAgent } from '../workers/revoke-agent.tsx';
import { FleetToolbar, useWorkerCommands } from '../workers/worker-commands.tsx';
import { WorkerTable } from '../workers/worker-table.tsx';

const ROUTE = '/frame/experiments/$experiment/tabs/workers';

export function WorkersPage() {
  const { experiment } = useParams({ from: ROUTE });
  const { state, search = '' } = useSearch({ from: ROUTE });
  useDocumentTitle(`${experiment} · Workers`);
  const navigate = useNavigate();
  const list = useQuery(queries.workers(experiment));
  const { operate, own } = useRights();
  const commands = useWorkerCommands(experiment);
  const field = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: '/', label: 'Search workers', run: () => field.current?.focus() }]);
  const all = list.data?.workers ?? [];
  const revoke = useRevokeAgent(experiment, all);
  const active = all.filter((worker) => worker.status !== 'disabled');
  const disabled = all.filter((worker) => worker.status === 'disabled');
  const shown = (state === 'disabled' ? disabled : active).filter((worker) => fits(worker, search));
  const setSearch = (text: string): void =>
    void navigate({
      to: '/experiments/$experiment/workers',
      params: { experiment },
      search: { ...(state === undefined ? {} : { state }), ...(text === '' ? {} : { search: text }) },
      replace: true,
    });
  return (
    <div className="dr-card">
      <div className="dr-toolbar">
        <nav className="dr-segments" aria-label="Which workers">
          <SegmentLink experiment={experiment} state={undefined} on={state === undefined} label="Active" count={active.length} />
          <SegmentLink experiment={experiment} state="disabled" on={state === 'disabled'} label="Disabled" count={disabled.length} />
        </nav>
        <TextInput
          ref={field}
          size="xs"
          className="dr-search"
          placeholder="Search host, instance, worker or job"
          aria-label="Search workers"
          leftSection={<IconSearch size={14} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        {operate && state === undefined && active.length > 0 ? (
          <Group ml="auto">
            <FleetToolbar commands={commands} waiting={active.filter((worker) => worker.command_waits).length} />
          </Group>
        ) : null}
      </div>
      {list.isPending ? <LoadingRows rows={5} /> : null}
      {list.isError ? (
        <div style={{ padding: 16 }}>
          <ErrorNotice error={list.error} retry={() => void list.refetch()} />
        </div>
      ) : null}
      {shown.length > 0 ? <WorkerTable workers={shown} commands={operate && state === undefined ? commands : null} revoke={own ? revoke : null} /> : null}
      {list.isSuccess && shown.length === 0 ? <NoWorkers experiment={experiment} filtered={search !== ''} disabled={state === 'disabled'} /> : null}
    </div>
  );
}

function fits(worker: WorkerShape, search: string): boolean {
  const job = worker.job === null ? '' : `${worker.job.experiment}/${worker.job.number}`;
  const text = `${worker.worker_id} ${worker.host} ${worker.instance} ${worker.machine_class ?? ''} ${job}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

interface SegmentProps {
  readonly experiment: string;
  readonly state: 'disabled' | undefined;
  readonly on: boolean;
  readonly label: string;
  readonly count: number;
}

function SegmentLink({ experiment, state, on, label, count }: SegmentProps) {
  return (
    <Link
      to="/experiments/$experiment/workers"
      params={{ experiment }}
      search={state === undefined ? {} : { state }}
      data-on={on ? true : undefined}
      aria-current={on ? 'true' : undefined}
      activeProps={{}}
    >
      {label}
      <span className="dr-num">{countText(count)}</span>
    </Link>
  );
}

function NoWorkers({ experiment, filtered, disabled }: { readonly experiment: string; readonly filtered: boolean; readonly disabled: boolean }) {
  if (filtered) return <Empty icon={IconSearch} title="No worker fits this search" />;
  if (disabled) return <Empty icon={IconServer2} title="No worker has stopped" />;
  return (
    <Empty icon={IconServer2} title="No worker polls">
      <Text size="sm" c="dimmed" maw={460}>
        A worker runs one job at a time. Start some on any machine that reaches this server; they appear here within a second.
      </Text>
      <Stack w="100%" maw={560} mt="xs">
        <CommandLine text={`drover worker start --experiment ${experiment} --workers 2`} />
      </Stack>
    </Empty>
  );
}
