// The pages and their URLs. A URL carries everything a page shows: filters, sort, page, open attempt and stream.
import { createRootRoute, createRoute, createRouter, Outlet, redirect } from '@tanstack/react-router';

import { AppFrame } from './frame/app-frame.tsx';
import { readJobSearch } from './job/job-search.ts';
import { readJobsSearch } from './jobs/jobs-search.ts';
import { ExperimentPage } from './pages/experiment.tsx';
import { HomePage } from './pages/home.tsx';
import { JobPage } from './pages/job.tsx';
import { JobsPage } from './pages/jobs.tsx';
import { LoginPage } from './pages/login.tsx';
import { NotFoundPage, PageError } from './pages/not-found.tsx';
import { SettingsPage } from './pages/settings.tsx';
import { WorkersPage } from './pages/workers.tsx';
import { parseSearch, stringifySearch } from './search-params.ts';
import { readWorkersSearch } from './workers/workers-search.ts';

const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: NotFoundPage });

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  component: LoginPage,
  validateSearch: (search: Record<string, unknown>): { to?: string } => (typeof search['to'] === 'string' ? { to: search['to'] } : {}),
});

const frameRoute = createRoute({ getParentRoute: () => rootRoute, id: 'frame', component: AppFrame, notFoundComponent: NotFoundPage });

const homeRoute = createRoute({ getParentRoute: () => frameRoute, path: '/', component: HomePage });

const experimentRoute = createRoute({ getParentRoute: () => frameRoute, path: '/experiments/$experiment', component: Outlet });

const experimentIndexRoute = createRoute({
  getParentRoute: () => experimentRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/experiments/$experiment/jobs', params, replace: true });
  },
});

const tabsRoute = createRoute({ getParentRoute: () => experimentRoute, id: 'tabs', component: ExperimentPage });

const jobsRoute = createRoute({ getParentRoute: () => tabsRoute, path: 'jobs', component: JobsPage, validateSearch: readJobsSearch });

const workersRoute = createRoute({ getParentRoute: () => tabsRoute, path: 'workers', component: WorkersPage, validateSearch: readWorkersSearch });

const settingsRoute = createRoute({ getParentRoute: () => tabsRoute, path: 'settings', component: SettingsPage });

const jobRoute = createRoute({
  getParentRoute: () => experimentRoute,
  path: 'jobs/$number',
  component: JobPage,
  validateSearch: readJobSearch,
});

const routeTree = rootRoute.addChildren([
  loginRoute,
  frameRoute.addChildren([
    homeRoute,
    experimentRoute.addChildren([experimentIndexRoute, tabsRoute.addChildren([jobsRoute, workersRoute, settingsRoute]), jobRoute]),
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
