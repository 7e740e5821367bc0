// The pages and their URLs. A URL carries everything a page shows: filters, sort, page, open attempt and stream.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';

import { readChartsSearch } from './charts-tab/charts-search.ts';
import { readCompareSearch } from './compare/compare-search.ts';
import { AppFrame } from './frame/app-frame.tsx';
import { readJobSearch } from './job/job-search.ts';
import { readJobsSearch } from './jobs/jobs-search.ts';
import { readMatricesSearch } from './matrices/matrices-search.ts';
import { LoginPage } from './pages/login.tsx';
import { LostPage, NotFoundPage, PageError } from './pages/not-found.tsx';
import { parseSearch, stringifySearch } from './search-params.ts';
import { readWorkersSearch } from './workers/workers-search.ts';

const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: LostPage });

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  component: LoginPage,
  validateSearch: (search: Record<string, unknown>): { to?: string } => (typeof search['to'] === 'string' ? { to: search['to'] } : {}),
});

const frameRoute = createRoute({ getParentRoute: () => rootRoute, id: 'frame', component: AppFrame, notFoundComponent: NotFoundPage });

const homeRoute = createRoute({ getParentRoute: () => frameRoute, path: '/', component: lazyRouteComponent(() => import('./pages/home.tsx'), 'HomePage') });

const experimentRoute = createRoute({ getParentRoute: () => frameRoute, path: '/experiments/$experiment', component: Outlet });

const experimentIndexRoute = createRoute({
  getParentRoute: () => experimentRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    redirect({ to: '/experiments/$experiment/jobs', params, replace: true, throw: true });
  },
});

const tabsRoute = createRoute({
  getParentRoute: () => experimentRoute,
  id: 'tabs',
  component: lazyRouteComponent(() => import('./pages/experiment.tsx'), 'ExperimentPage'),
});

const jobsRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'jobs',
  component: lazyRouteComponent(() => import('./pages/jobs.tsx'), 'JobsPage'),
  validateSearch: readJobsSearch,
});

const workersRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'workers',
  component: lazyRouteComponent(() => import('./pages/workers.tsx'), 'WorkersPage'),
  validateSearch: readWorkersSearch,
});

const matricesRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'matrices',
  component: lazyRouteComponent(() => import('./pages/matrices.tsx'), 'MatricesPage'),
  validateSearch: readMatricesSearch,
});

const chartsRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'charts',
  component: lazyRouteComponent(() => import('./pages/charts.tsx'), 'ChartsPage'),
  validateSearch: readChartsSearch,
});

const settingsRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'settings',
  component: lazyRouteComponent(() => import('./pages/settings.tsx'), 'SettingsPage'),
});

const jobRoute = createRoute({
  getParentRoute: () => experimentRoute,
  path: 'jobs/$number',
  component: lazyRouteComponent(() => import('./pages/job.tsx'), 'JobPage'),
  validateSearch: readJobSearch,
});

const compareRoute = createRoute({
  getParentRoute: () => experimentRoute,
  path: 'compare',
  component: lazyRouteComponent(() => import('./pages/compare.tsx'), 'ComparePage'),
  validateSearch: readCompareSearch,
});

const routeTree = rootRoute.addChildren([
  loginRoute,
  frameRoute.addChildren([
    homeRoute,
    experimentRoute.addChildren([
      experimentIndexRoute,
      tabsRoute.addChildren([jobsRoute, matricesRoute, chartsRoute, workersRoute, settingsRoute]),
      jobRoute,
      compareRoute,
    ]),
  ]),
]);

export const router = createRouter({
  routeTree,
  parseSearch,
  stringifySearch,
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: NotFoundPage,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
