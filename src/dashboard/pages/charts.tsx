// The Charts tab: activity, machines, results. All of its state is in the URL.
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

import { ActivityView } from '../charts-tab/activity.tsx';
import { type ChartsPlace, type ChartsSearch, readChartsSearch, type View, VIEWS } from '../charts-tab/charts-search.ts';
import { MachinesView } from '../charts-tab/machines.tsx';
import { ResultsView } from '../charts-tab/results.tsx';
import { useDocumentTitle } from '../components/use-document-title.ts';
import { usePacedReading } from '../live/use-paced-reading.ts';
import { useStillHere } from '../components/use-still-here.ts';

/** Charts add up many jobs. */
const REST_MS = 2_000;

const ROUTE = '/frame/experiments/$experiment/tabs/charts';

const WORD: Record<View, string> = { activity: 'Activity', machines: 'Machines', results: 'Results' };
const CONTENT: Record<View, (place: ChartsPlace) => React.ReactNode> = { activity: ActivityView, machines: MachinesView, results: ResultsView };
/** Time goes on also when nothing happens. */
const TICK_MS = 15_000;

export function ChartsPage() {
  const { experiment } = useParams({ from: ROUTE });
  const search = useSearch({ from: ROUTE });
  const navigate = useNavigate();
  const view = search.view ?? 'activity';
  useDocumentTitle(`${experiment} · ${WORD[view]}`);
  const every = view === 'activity' && search.until === undefined ? TICK_MS : null;
  usePacedReading({ topic: 'charts', experiment, reads: 'chart', least_rest_ms: REST_MS, every });
  const isHere = useStillHere(`/experiments/${experiment}/charts`);
  const change = useCallback(
    (parts: { readonly [K in keyof ChartsSearch]?: ChartsSearch[K] | undefined }) => {
      if (!isHere()) return;
      void navigate({
        to: '/experiments/$experiment/charts',
        params: { experiment },
        search: (before) => readChartsSearch({ ...before, ...parts }),
        replace: true,
      });
    },
    [navigate, experiment, isHere],
  );
  const Content = CONTENT[view];
  return (
    <>
      <nav className="dr-segments dr-chart-views" aria-label="Kinds of charts">
        {VIEWS.map((each) => (
          <Link
            key={each}
            to="/experiments/$experiment/charts"
            params={{ experiment }}
            search={(before) => readChartsSearch({ ...before, view: each === 'activity' ? undefined : each })}
            data-on={each === view ? true : undefined}
            aria-current={each === view ? 'true' : undefined}
            activeProps={{}}
          >
            {WORD[each]}
          </Link>
        ))}
      </nav>
      <Content experiment={experiment} search={search} change={change} />
    </>
  );
}
