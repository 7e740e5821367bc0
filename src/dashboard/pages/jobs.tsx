// The Jobs tab: summary, filters, table. All of its state is in the URL.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconArrowsSort, IconArrowUp, IconFileUnknown, IconFilterOff, IconPlus, IconStack2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useState } from 'react';

import type { JobShape } from '../../contract/index.ts';
import { errorSentence, isForeignCursor, isTooMany } from '../api.ts';
import { laterPart, useMade } from '../components/when-wanted.tsx';
import { useFileDrop } from '../add-jobs/use-job-file.ts';
import { CommandLine } from '../components/copy.tsx';
import { rowKeys, withFocusedRow } from '../components/row-keys.ts';
import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { useStillHere } from '../components/use-still-here.ts';
import { useRights } from '../frame/session.tsx';
import { useShortcuts } from '../frame/shortcuts.tsx';
import { BulkBar } from '../jobs/bulk-bar.tsx';
import { metricsOf } from '../jobs/columns.ts';
import { EditJob } from '../jobs/edit-job.tsx';
import { useJobActions } from '../jobs/job-actions.tsx';
import { JobTable } from '../jobs/job-table.tsx';
import { searchedJobs } from '../jobs/jobs-page.ts';
import { jobsQuery, nextPage, readJobsSearch, rowsBefore, withFilter, type JobsQuery, type JobsSearch } from '../jobs/jobs-search.ts';
import { Operations } from '../jobs/operations.tsx';
import { Pager, rememberWay } from '../jobs/pager.tsx';
import { FoundSoFar, NothingYet, type SearchState } from '../jobs/search-on.tsx';
import { Summary } from '../jobs/summary.tsx';
import { Toolbar } from '../jobs/toolbar.tsx';
import { useAhead, type Ahead } from '../jobs/use-ahead.ts';
import { useColumns } from '../jobs/use-columns.ts';
import { useJobRows, type JobRows } from '../jobs/use-job-rows.ts';
import { useSelection } from '../jobs/use-selection.ts';
import { queries } from '../queries.ts';
import { whenIdle } from '../when-idle.ts';

const addJobs = laterPart(() => import('../add-jobs/add-jobs.tsx').then((loaded) => loaded.AddJobs));
const jobAside = laterPart(() => import('../job/job-aside.tsx').then((loaded) => loaded.JobAside));

const ROUTE = '/frame/experiments/$experiment/tabs/jobs';

export function JobsPage() {
  const { experiment: name } = useParams({ from: ROUTE });
  const search = useSearch({ from: ROUTE });
  useDocumentTitle(`${name} · Jobs`);
  const navigate = useNavigate();
  const experiment = useQuery(queries.experiment(name));
  const query = jobsQuery(search);
  const rows = useJobRows(name, query);
  const rights = useRights();
  const [edited, setEdited] = useState<JobShape | null>(null);
  const go = useCallback(
    (next: JobsSearch, replace = false) => void navigate({ to: '/experiments/$experiment/jobs', params: { experiment: name }, search: next, replace }),
    [navigate, name],
  );
  const ahead = useAhead(name);
  const beside = useBeside({ search, rows, go, ahead });
  const actions = useJobActions({ edit: setEdited, onDeleted: (job) => (job.number === search.job ? beside.close() : undefined) });
  const columns = useColumns(name, search, go);
  const selecting = useSelection(name, query, rows);
  const isHere = useStillHere(`/experiments/${name}/jobs`);
  const onSearch = useCallback((text: string) => (isHere() ? go(withFilter(search, { search: text }), true) : undefined), [go, search, isHere]);
  const openAdd = (): void => go({ ...search, add: true });
  useShortcuts([
    ...rowKeys((link) => selecting.toggle(Number(link.dataset['number']), false)),
    { keys: 'o', label: 'Open the row beside the list', run: () => withFocusedRow((link) => beside.open(Number(link.dataset['number']))) },
    ...(search.job === undefined ? [] : [{ keys: 'Escape', label: 'Close the job beside the list', run: beside.close }]),
    ...(rights.operate ? [{ keys: 'n', label: 'Add jobs', run: openAdd }] : []),
  ]);
  const counts = experiment.data?.counts;
  // Whoever opens a job or the dialog does not wait for their programs.
  useEffect(() => {
    if (rows.pending) return;
    whenIdle(jobAside.load);
    whenIdle(addJobs.load);
  }, [rows.pending]);
  const { next, searching } = goingOn({ rows, query, search, go, ahead });
  return (
    <Stack gap="md">
      {experiment.data === undefined ? (
        <LoadingRows rows={2} height={60} />
      ) : (
        <Summary experiment={experiment.data} at={experiment.dataUpdatedAt} search={search} ahead={ahead.jobs} />
      )}
      <Operations experiment={name} />
      <div className="dr-card">
        <Toolbar experiment={name} counts={counts} search={search} columns={columns} onSearch={onSearch} openAdd={rights.operate ? openAdd : null} />
        <News rows={rows} />
        <Body
          rows={rows}
          searching={searching}
          search={search}
          name={name}
          mayAdd={rights.operate}
          openAdd={openAdd}
          clear={() => go(readJobsSearch({ columns: search.columns }))}
          toFirst={() => go(withFilter(search, {}), true)}
          sortByNumber={() => go(withFilter(search, { sort: undefined, order: undefined }))}
        >
          <JobTable
            experiment={name}
            rows={rows.rows}
            machines={rows.machines}
            columns={columns.chosen}
            selecting={selecting}
            sort={query.sort}
            order={query.order}
            onSort={(sort, order) => go(withFilter(search, { sort, order }))}
            actions={actions}
            mayOperate={rights.operate}
            stale={rows.stale}
            opened={search.job ?? null}
            onOpen={beside.open}
          />
        </Body>
        {searching === null || rows.rows.length === 0 ? null : <FoundSoFar {...searching} />}
        <BulkBar experiment={name} selecting={selecting} metrics={metricsOf(columns.chosen)} mayOperate={rights.operate} />
        <Pager
          search={search}
          size={query.limit}
          list={rows}
          next={next}
          go={(place, size = query.limit) => go(readJobsSearch({ ...withFilter(search, {}), ...place, size }))}
        />
      </div>
      <Adding name={name} search={search} go={go} pending={counts?.pending ?? 0} mayAdd={rights.operate} />
      <EditJob job={edited} close={() => setEdited(null)} />
      {search.job === undefined ? null : <jobAside.Part key={search.job} experiment={name} number={search.job} actions={actions} {...beside} />}
    </Stack>
  );
}

interface Going {
  readonly search: JobsSearch;
  readonly rows: JobRows;
  readonly go: (next: JobsSearch, replace?: boolean) => void;
  readonly ahead: Ahead;
}

/** The job beside the list: how one is opened there, what stands above and below it, and how it is closed. */
function useBeside({ search, rows, go, ahead }: Going) {
  const numbers = rows.rows.map(({ job }) => job.number);
  const at = search.job === undefined ? -1 : numbers.indexOf(search.job);
  const open = (number: number): void => void ahead.job(number).then(() => go({ ...search, job: number }, search.job !== undefined));
  const close = (): void => {
    const number = search.job;
    go(readJobsSearch({ ...search, job: undefined }), true);
    // Back to where it was opened.
    document.querySelector<HTMLElement>(`[data-row-link][data-number="${String(number)}"]`)?.focus({ preventScroll: true });
  };
  const neighbours = at === -1 ? { above: null, below: null } : { above: numbers[at - 1] ?? null, below: numbers[at + 1] ?? null };
  return { neighbours, open, close };
}

interface AddingProps {
  readonly name: string;
  readonly search: JobsSearch;
  readonly go: (next: JobsSearch, replace?: boolean) => void;
  readonly pending: number;
  readonly mayAdd: boolean;
}

/** The dialog to add jobs, which also opens for a file that is dropped anywhere on the page. */
function Adding({ name, search, go, pending, mayAdd }: AddingProps) {
  const [dropped, setDropped] = useState<File | null>(null);
  const drop = (file: File): void => {
    setDropped(file);
    go({ ...search, add: true });
  };
  const { made } = useMade(search.add === true);
  const held = useFileDrop(mayAdd ? drop : null);
  const close = (): void => {
    setDropped(null);
    go(readJobsSearch({ ...search, add: undefined }), true);
  };
  return (
    <>
      {made ? (
        <addJobs.Part experiment={name} opened={search.add === true} like={search.like ?? null} dropped={dropped} close={close} pending={pending} />
      ) : null}
      {held ? <div className="dr-drop-over">Drop the file to add jobs from it</div> : null}
    </>
  );
}

interface Listed extends Going {
  readonly query: JobsQuery;
}

/** The way to the next page, and how far the search is when this page is not full. */
function goingOn({ rows, query, search, go, ahead }: Listed): { readonly next: () => void; readonly searching: SearchState | null } {
  const searched = searchedJobs(query, rows.shortAnswers, search.searched);
  const next = (): void => {
    const { nextCursor: next_cursor } = rows;
    if (next_cursor === null || rows.stale) return;
    rememberWay(next_cursor, search);
    const page = nextPage(search, { rows: rows.rows.length, next_cursor, searched });
    void ahead.jobs(page).then(() => go(page));
  };
  const found = rowsBefore(search) + (rows.stale ? 0 : rows.rows.length);
  return { next, searching: rows.short ? { searched, found, busy: rows.stale, goOn: next } : null };
}

function News({ rows }: { readonly rows: JobRows }) {
  const { added, left, moved } = rows.news;
  const counted: [number, string][] = [
    [added, 'new'],
    [left, 'moved on'],
    [moved, 'in another place'],
  ];
  const parts = counted.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`]));
  if (parts.length === 0) return null;
  return (
    <output className="dr-news">
      <Button variant="light" size="compact-xs" leftSection={<IconArrowUp size={12} />} onClick={rows.showNews}>
        {parts.join(', ')}: update the list
      </Button>
    </output>
  );
}

interface BodyProps {
  readonly rows: JobRows;
  /** Not all jobs were looked at yet. */
  readonly searching: SearchState | null;
  readonly search: JobsSearch;
  readonly name: string;
  readonly mayAdd: boolean;
  readonly openAdd: () => void;
  readonly clear: () => void;
  readonly sortByNumber: () => void;
  readonly toFirst: () => void;
  readonly children: React.ReactNode;
}

function Body({ rows, searching, search, name, mayAdd, openAdd, clear, sortByNumber, toFirst, children }: BodyProps) {
  if (rows.error !== null) return <NotListed rows={rows} search={search} sortByNumber={sortByNumber} toFirst={toFirst} />;
  if (rows.pending) return <LoadingRows rows={8} />;
  if (rows.rows.length > 0) return children;
  if (searching !== null) return <NothingYet {...searching} clear={clear} />;
  if (search.cursor !== undefined) {
    return (
      <Empty icon={IconFilterOff} title="No further job fits">
        <Button variant="default" onClick={toFirst}>
          Go to the first page
        </Button>
      </Empty>
    );
  }
  if (search.status !== undefined || search.search !== undefined || search.matrix !== undefined) {
    return (
      <Empty icon={IconFilterOff} title="No job fits this filter">
        <Button variant="default" onClick={clear}>
          Show all jobs
        </Button>
      </Empty>
    );
  }
  return (
    <Empty icon={IconStack2} title="No jobs yet">
      <Text size="sm" c="dimmed" maw={460}>
        Describe a grid of params: Drover queues one job per combination.
      </Text>
      <Group gap="xs" my="xs">
        {mayAdd ? (
          <Button leftSection={<IconPlus size={14} />} onClick={openAdd}>
            Add jobs
          </Button>
        ) : null}
      </Group>
      <Text size="xs" c="dimmed">
        or from a terminal
      </Text>
      <Stack w="100%" maw={600}>
        <CommandLine text={`drover matrix add --experiment ${name} lr=0.1,0.01 units=16,32 -- python3 train.py --lr {lr} --units {units}`} />
      </Stack>
    </Empty>
  );
}

/** Why there is no list, and the way on. */
function NotListed({ rows, search, sortByNumber, toFirst }: Pick<BodyProps, 'rows' | 'search' | 'sortByNumber' | 'toFirst'>) {
  if (isTooMany(rows.error) && search.sort !== undefined) {
    return (
      <Empty icon={IconArrowsSort} title="These jobs are too many for this order">
        <Text size="sm" c="dimmed" maw={520}>
          {errorSentence(rows.error)}
        </Text>
        <Button variant="default" onClick={sortByNumber}>
          Sort by ID
        </Button>
      </Empty>
    );
  }
  if (isForeignCursor(rows.error)) {
    return (
      <Empty icon={IconFileUnknown} title="This page of the list is not there any more">
        <Text size="sm" c="dimmed" maw={520}>
          The address names a place in the list that this server does not know. Filter and order are kept.
        </Text>
        <Button variant="default" onClick={toFirst}>
          Go to the first page
        </Button>
      </Empty>
    );
  }
  return (
    <div style={{ padding: 16 }}>
      <ErrorNotice error={rows.error} retry={rows.retry} />
    </div>
  );
}
