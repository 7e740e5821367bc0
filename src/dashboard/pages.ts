// The programs of the pages, each loaded when somebody goes there; first in this list what most people open next.
import { whenIdle } from './when-idle.ts';

export const PAGES = {
  experiment: () => import('./pages/experiment.tsx'),
  jobs: () => import('./pages/jobs.tsx'),
  job: () => import('./pages/job.tsx'),
  home: () => import('./pages/home.tsx'),
  matrices: () => import('./pages/matrices.tsx'),
  charts: () => import('./pages/charts.tsx'),
  workers: () => import('./pages/workers.tsx'),
  settings: () => import('./pages/settings.tsx'),
  compare: () => import('./pages/compare.tsx'),
  machines: () => import('./pages/machines.tsx'),
} as const;

/** Loads what the page at this address needs, before the router asks for it. */
export async function loadPage(pathname: string): Promise<void> {
  const [, , part, job] = /^\/experiments\/([^/]+)\/([a-z]+)(\/\d+)?$/.exec(pathname) ?? [];
  if (pathname === '/') await PAGES.home();
  else if (pathname === '/machines') await PAGES.machines();
  else if (part === 'jobs' && job !== undefined) await PAGES.job();
  else if (part === 'compare') await PAGES.compare();
  else if (part === 'jobs' || part === 'matrices' || part === 'charts' || part === 'workers' || part === 'settings') {
    await Promise.all([PAGES.experiment(), PAGES[part]()]);
  }
}

/** Stands in the browser's record of what it did and when, as soon as no page has to be loaded any more. */
const ALL_PAGES = 'all pages are there';

/**
 * So that whoever goes to another page finds its program here, also while the server is away: the browser would leave the dashboard
 * otherwise. One after the other, each when nothing else is to be done: all at once they would stand in the way of whoever clicks now.
 */
export async function loadAllPages(): Promise<void> {
  for (const load of Object.values(PAGES)) {
    await new Promise<void>(whenIdle);
    await load().catch(() => undefined);
  }
  performance.mark(ALL_PAGES);
}
