// The pages and their URLs. A URL carries everything a page shows: filters, sort, page, open attempt and stream.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';

import { readChartsSearch } from './charts-tab/charts-search.ts';
import { readCompareSearch } from './compare/compare-search.ts';
import { AppFrame } from './frame/app-frame.tsx';
import { readJobSearch } from './job/job-search.ts';
import { readJobsSearch } from './jobs/jobs-search.ts';
import { readMatricesSearch } from './matrices/matrices-search.ts';
import { PAGES } from './pages.ts';
import { LoginPage } from './pages/login.tsx';
import { LostPage, NotFoundPage, PageError } from './pages/not-found.tsx';
import { only, parseSearch, stringifySearch } from './search-params.ts';
import { readWorkersSearch } from './workers/workers-search.ts';

const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: LostPage });

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  component: LoginPage,
  validateSearch: only((search): { to?: string; ended?: boolean } => ({
    ...(typeof search['to'] === 'string' ? { to: search['to'] } : {}),
    ...(search['ended'] === true || search['ended'] === 'true' ? { ended: true } : {}),
  })),
});

const frameRoute = createRoute({ getParentRoute: () => rootRoute, id: 'frame', component: AppFrame, notFoundComponent: NotFoundPage });

const homeRoute = createRoute({ getParentRoute: () => frameRoute, path: '/', component: lazyRouteComponent(PAGES.home, 'HomePage') });

const machinesRoute = createRoute({ getParentRoute: () => frameRoute, path: '/machines', component: lazyRouteComponent(PAGES.machines, 'MachinesPage') });

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
  component: lazyRouteComponent(PAGES.experiment, 'ExperimentPage'),
});

const jobsRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'jobs',
  component: lazyRouteComponent(PAGES.jobs, 'JobsPage'),
  validateSearch: only(readJobsSearch),
});

const workersRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'workers',
  component: lazyRouteComponent(PAGES.workers, 'WorkersPage'),
  validateSearch: only(readWorkersSearch),
});

const matricesRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'matrices',
  component: lazyRouteComponent(PAGES.matrices, 'MatricesPage'),
  validateSearch: only(readMatricesSearch),
});

const chartsRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'charts',
  component: lazyRouteComponent(PAGES.charts, 'ChartsPage'),
  validateSearch: only(readChartsSearch),
});

const settingsRoute = createRoute({
  getParentRoute: () => tabsRoute,
  path: 'settings',
  component: lazyRouteComponent(PAGES.settings, 'SettingsPage'),
});

const jobRoute = createRoute({
  getParentRoute: () => experimentRoute,
  path: 'jobs/$number',
  component: lazyRouteComponent(PAGES.job, 'JobPage'),
  validateSearch: only(readJobSearch),
});

const compareRoute = createRoute({
  getParentRoute: () => experimentRoute,
  path: 'compare',
  component: lazyRouteComponent(PAGES.compare, 'ComparePage'),
  validateSearch: only(readCompareSearch),
});

const routeTree = rootRoute.addChildren([
  loginRoute,
  frameRoute.addChildren([
    homeRoute,
    machinesRoute,
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
