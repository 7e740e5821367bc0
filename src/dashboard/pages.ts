// The programs of the pages, each loaded when somebody goes there.
export const PAGES = {
  home: () => import('./pages/home.tsx'),
  experiment: () => import('./pages/experiment.tsx'),
  jobs: () => import('./pages/jobs.tsx'),
  matrices: () => import('./pages/matrices.tsx'),
  charts: () => import('./pages/charts.tsx'),
  workers: () => import('./pages/workers.tsx'),
  settings: () => import('./pages/settings.tsx'),
  job: () => import('./pages/job.tsx'),
  compare: () => import('./pages/compare.tsx'),
} as const;

/** Loads what the page at this address needs, before the router asks for it. */
export async function loadPage(pathname: string): Promise<void> {
  const [, , part, job] = /^\/experiments\/([^/]+)\/([a-z]+)(\/\d+)?$/.exec(pathname) ?? [];
  if (pathname === '/') await PAGES.home();
  else if (part === 'jobs' && job !== undefined) await PAGES.job();
  else if (part === 'compare') await PAGES.compare();
  else if (part === 'jobs' || part === 'matrices' || part === 'charts' || part === 'workers' || part === 'settings') {
    await Promise.all([PAGES.experiment(), PAGES[part]()]);
  }
}

/** Stands in the browser's record of what it did and when, as soon as no page has to be loaded any more. */
const ALL_PAGES = 'all pages are there';

/** So that whoever goes to another page finds its program here, also while the server is away: the browser would leave the dashboard otherwise. */
export async function loadAllPages(): Promise<void> {
  await Promise.allSettled(Object.values(PAGES).map((load) => load()));
  performance.mark(ALL_PAGES);
}
