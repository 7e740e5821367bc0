// A few jobs side by side: what they were given, how they went, and their curves over each other. All of its state is in the URL.
import { Button, Group, SegmentedControl, Stack, Switch, Text, TextInput, Title } from '@mantine/core';
import { IconArrowLeft, IconArrowsDiff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';

import { formatRanges, parseRanges } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { chartQueries } from '../charts-tab/chart-queries.ts';
import { comparedNumbers, withNumbers, type CompareSearch } from '../compare/compare-search.ts';
import { CompareTable, type Compared } from '../compare/compare-table.tsx';
import { CurveFigure } from '../compare/curve-figure.tsx';
import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { usePacedReading } from '../live/use-paced-reading.ts';
import { useShortcuts } from '../frame/shortcuts.tsx';

/** Charts add up many jobs. */
const REST_MS = 2_000;

const ROUTE = '/frame/experiments/$experiment/compare';
/** Charts that are drawn before somebody asks for more. */
const FIRST_CHARTS = 6;

export function ComparePage() {
  const { experiment } = useParams({ from: ROUTE });
  const search = useSearch({ from: ROUTE });
  const navigate = useNavigate();
  useDocumentTitle(`${experiment} · Compare`);
  usePacedReading({ topic: 'charts', experiment, reads: 'chart', least_rest_ms: REST_MS, every: null });
  useShortcuts([{ keys: 'g j', label: 'Go to Jobs', run: () => void navigate({ to: '/experiments/$experiment/jobs', params: { experiment } }) }]);
  const numbers = comparedNumbers(search);
  const jobs = withNumbers({}, numbers).jobs ?? '';
  const query = useQuery({ ...chartQueries.compared(experiment, jobs), enabled: jobs !== '' });
  const go = (next: CompareSearch): void =>
    void navigate({ to: '/experiments/$experiment/compare', params: { experiment }, search: next, replace: true, resetScroll: false });
  return (
    <Stack gap="md">
      <Group gap="sm" justify="space-between" wrap="wrap">
        <Group gap="sm">
          <Title order={1}>{numbers.length < 2 ? 'Compare jobs' : `Compare ${numbers.length} jobs`}</Title>
          <Button
            variant="subtle"
            size="compact-sm"
            leftSection={<IconArrowLeft size={14} />}
            renderRoot={(props) => <Link {...props} to="/experiments/$experiment/jobs" params={{ experiment }} />}
          >
            {experiment}
          </Button>
        </Group>
        <AddNumbers add={(more) => go(withNumbers(search, [...numbers, ...more]))} room={LIMITS.compared_jobs.value - numbers.length} />
      </Group>
      {jobs === '' ? (
        <div className="dr-card">
          <Empty icon={IconArrowsDiff} title="No jobs to compare yet">
            <Text size="sm" c="dimmed" maw={440}>
              {`Name up to ${LIMITS.compared_jobs.value} jobs by their numbers above, or come here from the best jobs of the charts.`}
            </Text>
          </Empty>
        </div>
      ) : null}
      {query.isError ? <ErrorNotice error={query.error} retry={() => void query.refetch()} /> : null}
      {jobs !== '' && query.isPending ? <LoadingRows rows={8} /> : null}
      {query.data === undefined || jobs === '' ? null : (
        <Found
          experiment={experiment}
          search={search}
          jobs={jobs}
          compared={query.data}
          go={go}
          leaveOut={(number) =>
            go(
              withNumbers(
                search,
                numbers.filter((one) => one !== number),
              ),
            )
          }
        />
      )}
    </Stack>
  );
}

function AddNumbers({ add, room }: { readonly add: (numbers: readonly number[]) => void; readonly room: number }) {
  const [text, setText] = useState('');
  const ranges = text.trim() === '' ? [] : parseRanges(text);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (ranges === null || ranges.length === 0) return;
    add(comparedNumbers({ jobs: formatRanges(ranges) }));
    setText('');
  };
  return (
    <form onSubmit={submit} className="dr-compare-add">
      <TextInput
        size="xs"
        w={210}
        placeholder="Job numbers, e.g. 7 or 3-5"
        aria-label="Numbers of jobs to add"
        value={text}
        disabled={room <= 0}
        error={ranges === null ? 'Numbers such as 7 or 3-5' : undefined}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Button type="submit" size="xs" variant="default" disabled={ranges === null || ranges.length === 0}>
        Add
      </Button>
    </form>
  );
}

interface FoundProps {
  readonly experiment: string;
  readonly search: CompareSearch;
  readonly jobs: string;
  readonly compared: Compared;
  readonly go: (next: CompareSearch) => void;
  readonly leaveOut: (number: number) => void;
}

function Found({ experiment, search, jobs, compared, go, leaveOut }: FoundProps) {
  const [most, setMost] = useState(FIRST_CHARTS);
  const { metrics, missing } = compared;
  const axis = search.axis ?? 'step';
  const set = <K extends keyof CompareSearch>(name: K, value: CompareSearch[K] | undefined): void => {
    const { [name]: _, ...rest } = search;
    go(value === undefined ? rest : { ...rest, [name]: value });
  };
  return (
    <>
      {missing.length === 0 ? null : <Text size="sm" c="dimmed">{`No job has the number ${missing.join(', ')} (any more).`}</Text>}
      <Switch
        size="sm"
        label="Also what is the same"
        checked={search.all === true}
        onChange={(event) => set('all', event.currentTarget.checked ? true : undefined)}
      />
      <CompareTable experiment={experiment} compared={compared} all={search.all === true} leaveOut={leaveOut} />
      {metrics.length === 0 ? null : (
        <>
          <Group gap="md">
            <SegmentedControl
              size="xs"
              aria-label="Horizontal axis"
              value={axis}
              data={[
                { value: 'step', label: 'Step' },
                { value: 'time', label: 'Time' },
              ]}
              onChange={(value) => set('axis', value === 'time' ? 'time' : undefined)}
            />
            <Switch
              size="sm"
              label="Logarithmic"
              checked={search.log === true}
              onChange={(event) => set('log', event.currentTarget.checked ? true : undefined)}
            />
          </Group>
          <div className="dr-figures">
            {metrics.slice(0, most).map(({ name }) => (
              <CurveFigure
                key={name}
                experiment={experiment}
                jobs={jobs}
                numbers={compared.jobs.map(({ number }) => number)}
                metric={name}
                axis={axis}
                log={search.log === true}
              />
            ))}
          </div>
          {metrics.length <= most ? null : (
            <Button variant="default" onClick={() => setMost(metrics.length)}>
              {`Show ${metrics.length - most} more metrics`}
            </Button>
          )}
        </>
      )}
    </>
  );
}
