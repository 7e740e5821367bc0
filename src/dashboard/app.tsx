// The dashboard: look, cache, router.
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/frame.css';
import './styles/home.css';
import './styles/jobs.css';
import './styles/job-table.css';
import './styles/job.css';
import './styles/aside.css';
import './styles/file-preview.css';
import './styles/charts.css';
import './styles/add-jobs.css';
import './styles/settings.css';
import './styles/machines.css';
import './styles/workers.css';
import './styles/log.css';
import './styles/narrow.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';

import { HintLayer } from './components/hint.tsx';
import { queries } from './queries.ts';
import { createQueryClient } from './query-client.ts';
import { router } from './routes.tsx';
import { cssVariables, theme } from './theme.ts';

const client = createQueryClient(() => {
  const { pathname, href } = router.state.location;
  if (pathname === '/login') return;
  // Whoever was signed in a moment ago is told why they are asked again.
  const ended = client.getQueryData(queries.session().queryKey) !== undefined;
  void router.navigate({ to: '/login', search: { to: href, ...(ended ? { ended } : {}) }, replace: true });
});

createRoot(document.getElementById('root')!).render(
  <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
    <Notifications position="bottom-right" limit={4} />
    <HintLayer />
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </MantineProvider>,
);
