// The Charts tab: activity, machines, results. All of its state is in the URL.
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

import { ActivityView } from '../charts-tab/activity.tsx';
import { type ChartsPlace, type ChartsSearch, readChartsSearch, type View, VIEWS } from '../charts-tab/charts-search.ts';
import { MachinesView } from '../charts-tab/machines.tsx';
import { ResultsView } from '../charts-tab/results.tsx';
import { useLiveCharts } from '../charts-tab/use-live-charts.ts';
import { useDocumentTitle } from '../components/use-document-title.ts';

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
  useLiveCharts(experiment, view === 'activity' && search.until === undefined ? TICK_MS : null);
  const change = useCallback(
    (parts: { readonly [K in keyof ChartsSearch]?: ChartsSearch[K] | undefined }) =>
      void navigate({
        to: '/experiments/$experiment/charts',
        params: { experiment },
        search: (before) => readChartsSearch({ ...before, ...parts }),
        replace: true,
      }),
    [navigate, experiment],
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
