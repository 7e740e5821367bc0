// The Workers tab: those that poll, and those that stopped; filters, selection, page and the open worker are in the URL but for the selection.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconSearch, IconServer2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';

import type { WorkerShape } from '../../contract/index.ts';
import { countText } from '../components/bytes.ts';
import { CommandLine } from '../components/copy.tsx';
import { rowKeys } from '../components/row-keys.ts';
import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { useRights } from '../frame/session.tsx';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { usePacedReading } from '../live/use-paced-reading.ts';
import { queries } from '../queries.ts';
import { FleetToolbar } from '../workers/command-menus.tsx';
import { NoWorker, startCommand } from '../workers/no-worker.tsx';
import { useRevokeAgent } from '../workers/revoke-agent.tsx';
import { allToggled, NOBODY, present, toggled } from '../workers/selected-workers.ts';
import { filterChoices, fleetText, isActive, isFiltered, ofTab, pageOf, shownWorkers } from '../workers/shown-workers.ts';
import { useWorkerCommands, type Target } from '../workers/worker-commands.tsx';
import { WorkerPanel } from '../workers/worker-details.tsx';
import { WorkerFilters } from '../workers/worker-filters.tsx';
import { WorkerTable, type Selecting } from '../workers/worker-table.tsx';
import { withChange, type WorkersChange, type WorkersSearch } from '../workers/workers-search.ts';

const ROUTE = '/frame/experiments/$experiment/tabs/workers';

export function WorkersPage() {
  const { experiment } = useParams({ from: ROUTE });
  const search = useSearch({ from: ROUTE });
  useDocumentTitle(`${experiment} · Workers`);
  const change = useChange(experiment, search);
  const list = useQuery(queries.workers(experiment));
  usePacedReading({ topic: 'workers', experiment, reads: 'worker_list', least_rest_ms: 0, every: null });
  const record = useQuery(queries.experiment(experiment));
  const { operate, own } = useRights();
  const commands = useWorkerCommands(experiment);
  const all = useMemo(() => list.data?.workers ?? [], [list.data]);
  const revoke = useRevokeAgent(experiment, all);
  const tab = ofTab(all, search);
  const shown = shownWorkers(tab, search);
  const { rows, page, pages } = pageOf(shown, search.page ?? 1);
  const mayCommand = operate && search.state === undefined;
  const selecting = useSelecting(shown);
  useShortcuts(rowKeys(mayCommand ? (link) => selecting.toggle(link.dataset['worker'] ?? '', false) : null));
  const active = all.filter(isActive).length;
  return (
    <Stack gap="md">
      {record.data === undefined ? null : <NoWorker experiment={record.data} />}
      <div className="dr-card">
        <div className="dr-toolbar">
          <nav className="dr-segments" aria-label="Which workers">
            <SegmentLink experiment={experiment} state={undefined} on={search.state === undefined} label="Active" count={active} />
            <SegmentLink experiment={experiment} state="disabled" on={search.state === 'disabled'} label="Disabled" count={all.length - active} />
          </nav>
          <WorkerFilters search={search} choices={filterChoices(tab, search)} change={change} />
        </div>
        {tab.length === 0 ? null : (
          <div className="dr-fleet-bar">
            <Text size="sm" className="dr-num" component="output">
              <b>{countText(shown.length)}</b>
              <Text span c="dimmed" size="sm">
                {shown.length === tab.length ? '' : ` of ${countText(tab.length)}`} {tab.length === 1 ? 'worker' : 'workers'}
                {search.state === undefined && shown.length > 0 ? ` · ${fleetText(shown)}` : ''}
              </Text>
            </Text>
            {mayCommand && shown.length > 0 ? (
              <Group ml="auto" gap="xs">
                {selecting.selected.ids.size === 0 ? null : (
                  <Button variant="subtle" size="compact-xs" onClick={selecting.clear}>
                    Select nothing
                  </Button>
                )}
                <Tools all={tab} shown={shown} search={search} selecting={selecting} commands={commands} />
              </Group>
            ) : null}
          </div>
        )}
        {list.isPending ? <LoadingRows rows={5} /> : null}
        {list.isError ? (
          <div style={{ padding: 16 }}>
            <ErrorNotice error={list.error} retry={() => void list.refetch()} />
          </div>
        ) : null}
        {rows.length > 0 ? (
          <WorkerTable
            experiment={experiment}
            search={search}
            workers={rows}
            commands={mayCommand ? commands : null}
            selecting={mayCommand ? selecting : null}
            revoke={own ? revoke : null}
          />
        ) : null}
        {list.isSuccess && shown.length === 0 ? (
          <NoWorkers
            experiment={experiment}
            filtered={isFiltered(search) && tab.length > 0}
            disabled={search.state === 'disabled'}
            told={(record.data?.counts.pending ?? 0) > 0}
          />
        ) : null}
        {pages > 1 ? <Pages page={page} pages={pages} change={change} /> : null}
      </div>
      <WorkerPanel experiment={experiment} search={search} change={change} commands={operate ? commands : null} revoke={own ? revoke : null} />
    </Stack>
  );
}

function useChange(experiment: string, search: WorkersSearch): (change: WorkersChange) => void {
  const navigate = useNavigate();
  return useCallback(
    (change) =>
      void navigate({
        to: '/experiments/$experiment/workers',
        params: { experiment },
        search: withChange(search, change),
        // What is typed does not fill the history, and what was opened is left by going back to where it was.
        replace: !('worker' in change),
        resetScroll: false,
      }),
    [navigate, experiment, search],
  );
}

interface WorkerSelecting extends Selecting {
  readonly clear: () => void;
}

function useSelecting(shown: readonly WorkerShape[]): WorkerSelecting {
  const [kept, setKept] = useState(NOBODY);
  const list = shown.map(({ worker_id }) => worker_id);
  // What is not in sight is not commanded: a filter narrows the selection too.
  const selected = present(kept, list);
  return {
    selected,
    toggle: (id, through) => setKept(toggled(selected, { id, list, through })),
    toggleAll: (ids) => setKept(allToggled(selected, ids)),
    clear: () => setKept(NOBODY),
  };
}

interface ToolsProps {
  readonly all: readonly WorkerShape[];
  readonly shown: readonly WorkerShape[];
  readonly search: WorkersSearch;
  readonly selecting: WorkerSelecting;
  readonly commands: ReturnType<typeof useWorkerCommands>;
}

/** What the toolbar is about: what is selected, else what a filter shows, else all. */
function Tools({ all, shown, search, selecting, commands }: ToolsProps) {
  const { ids } = selecting.selected;
  const meant = ids.size > 0 ? shown.filter(({ worker_id }) => ids.has(worker_id)) : isFiltered(search) ? shown : all;
  const target: Target =
    ids.size === 0 && !isFiltered(search)
      ? { kind: 'all' }
      : { kind: 'some', ids: meant.map(({ worker_id }) => worker_id), how: ids.size > 0 ? 'selected' : 'shown' };
  return <FleetToolbar commands={commands} target={target} waiting={meant.filter(({ command_waits }) => command_waits).length} />;
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

function Pages({ page, pages, change }: { readonly page: number; readonly pages: number; readonly change: (change: WorkersChange) => void }) {
  return (
    <Group className="dr-pager" justify="flex-end" gap="xs">
      <Text size="xs" c="dimmed" className="dr-num">
        Page {page} of {pages}
      </Text>
      <Button variant="default" size="compact-sm" disabled={page === 1} onClick={() => change({ page: page - 1 })}>
        Previous
      </Button>
      <Button variant="default" size="compact-sm" disabled={page === pages} onClick={() => change({ page: page + 1 })}>
        Next
      </Button>
    </Group>
  );
}

interface NoWorkersProps {
  readonly experiment: string;
  readonly filtered: boolean;
  readonly disabled: boolean;
  /** The banner above has the command already. */
  readonly told: boolean;
}

function NoWorkers({ experiment, filtered, disabled, told }: NoWorkersProps) {
  if (filtered) return <Empty icon={IconSearch} title="No worker fits this filter" />;
  if (disabled) return <Empty icon={IconServer2} title="No worker has stopped" />;
  return (
    <Empty icon={IconServer2} title="No worker is connected">
      <Text size="sm" c="dimmed" maw={460}>
        A worker runs one job at a time. Start some on any machine that reaches this server; they appear here within a second.
      </Text>
      {told ? null : (
        <Stack w="100%" maw={560} mt="xs">
          <CommandLine text={startCommand(experiment)} />
        </Stack>
      )}
    </Empty>
  );
}
