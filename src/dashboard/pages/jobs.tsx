// The Jobs tab: summary, filters, table. All of its state is in the URL.
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconArrowUp, IconFilterOff, IconPlus, IconStack2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback, useState } from 'react';

import type { JobShape } from '../../contract/index.ts';
import { AddJobs } from '../add-jobs/add-jobs.tsx';
import { CommandLine } from '../components/copy.tsx';
import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
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
import { rowKeys } from '../jobs/row-keys.ts';
import { Summary } from '../jobs/summary.tsx';
import { Toolbar } from '../jobs/toolbar.tsx';
import { useColumns } from '../jobs/use-columns.ts';
import { useJobRows, type JobRows } from '../jobs/use-job-rows.ts';
import { useSelection } from '../jobs/use-selection.ts';
import { queries } from '../queries.ts';

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
  const actions = useJobActions({ edit: setEdited });
  const go = useCallback(
    (next: JobsSearch, replace = false) => void navigate({ to: '/experiments/$experiment/jobs', params: { experiment: name }, search: next, replace }),
    [navigate, name],
  );
  const columns = useColumns(name, search, go);
  const selecting = useSelection(name, query, rows);
  const onSearch = useCallback((text: string) => go(withFilter(search, { search: text }), true), [go, search]);
  const openAdd = (): void => go({ ...search, add: true });
  useShortcuts([...rowKeys((number) => selecting.toggle(number, false)), ...(rights.operate ? [{ keys: 'n', label: 'Add jobs', run: openAdd }] : [])]);
  const counts = experiment.data?.counts;
  const { next, searching } = goingOn({ rows, query, search, go });
  return (
    <Stack gap="md">
      {experiment.data === undefined ? (
        <LoadingRows rows={2} height={60} />
      ) : (
        <Summary experiment={experiment.data} at={experiment.dataUpdatedAt} search={search} />
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
        >
          <JobTable
            experiment={name}
            rows={rows.rows}
            columns={columns.chosen}
            selecting={selecting}
            sort={query.sort}
            order={query.order}
            onSort={(sort, order) => go(withFilter(search, { sort, order }))}
            actions={actions}
            stale={rows.stale}
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
      <AddJobs
        experiment={name}
        opened={search.add === true}
        like={search.like ?? null}
        close={() => go(readJobsSearch({ ...search, add: undefined }), true)}
        pending={counts?.pending ?? 0}
      />
      <EditJob job={edited} close={() => setEdited(null)} />
    </Stack>
  );
}

interface Listed {
  readonly rows: JobRows;
  readonly query: JobsQuery;
  readonly search: JobsSearch;
  readonly go: (next: JobsSearch) => void;
}

/** The way to the next page, and how far the search is when this page is not full. */
function goingOn({ rows, query, search, go }: Listed): { readonly next: () => void; readonly searching: SearchState | null } {
  const searched = searchedJobs(query, rows.shortAnswers, search.searched);
  const next = (): void => {
    const { nextCursor: next_cursor } = rows;
    if (next_cursor === null || rows.stale) return;
    rememberWay(next_cursor, search);
    go(nextPage(search, { rows: rows.rows.length, next_cursor, searched }));
  };
  const found = rowsBefore(search) + (rows.stale ? 0 : rows.rows.length);
  return { next, searching: rows.short ? { searched, found, busy: rows.stale, goOn: next } : null };
}

function News({ rows }: { readonly rows: JobRows }) {
  const { added, left } = rows.news;
  if (added + left === 0) return null;
  const parts = [added === 0 ? null : `${added} new`, left === 0 ? null : `${left} moved on`].filter((part) => part !== null);
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
  readonly children: React.ReactNode;
}

function Body({ rows, searching, search, name, mayAdd, openAdd, clear, children }: BodyProps) {
  if (rows.error !== null) {
    return (
      <div style={{ padding: 16 }}>
        <ErrorNotice error={rows.error} retry={rows.retry} />
      </div>
    );
  }
  if (rows.pending) return <LoadingRows rows={8} />;
  if (rows.rows.length > 0) return children;
  if (searching !== null) return <NothingYet {...searching} clear={clear} />;
  if (search.cursor !== undefined) return <Empty icon={IconFilterOff} title="No further job fits" />;
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
