// What happened to this job, newest first, and by whom.
import { Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import type { EventKind } from '../../core/event.ts';
import { ErrorNotice } from '../components/states.tsx';
import { Moment } from '../components/time.tsx';
import { queries, type JobKey } from '../queries.ts';
import { eventDetail, eventTitle } from './event-text.ts';
import { Panel } from './panel.tsx';

const FIRST = 10;
const MORE = 100;

/** Noise on this page: these have places of their own. */
const SILENT: ReadonlySet<EventKind> = new Set(['logs_appended', 'metrics_appended', 'jobs_progressed']);

export function History({ job }: { readonly job: JobKey }) {
  const [limit, setLimit] = useState(FIRST);
  const history = useQuery(queries.history(job, limit));
  const events = (history.data?.events ?? []).filter((event) => !SILENT.has(event.kind));
  return (
    <Panel title="History">
      {history.isError ? <ErrorNotice error={history.error} retry={() => void history.refetch()} /> : null}
      {history.isSuccess && events.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing is recorded yet.
        </Text>
      ) : null}
      <ol className="dr-history">
        {events.map((event) => (
          <li key={event.id}>
            <span className="dr-history-what">
              {eventTitle(event)}
              <Text span size="xs" c="dimmed" ml={8}>
                {eventDetail(event)}
              </Text>
            </span>
            <Text span size="xs" c="dimmed" className="dr-history-who">
              {event.actor}
            </Text>
            <Text span size="xs" c="dimmed">
              <Moment at={event.at} />
            </Text>
          </li>
        ))}
      </ol>
      {(history.data?.next_cursor ?? null) === null || limit === MORE ? null : (
        <Button variant="subtle" size="compact-xs" mt={6} onClick={() => setLimit(MORE)} loading={history.isFetching}>
          Show more
        </Button>
      )}
    </Panel>
  );
}
