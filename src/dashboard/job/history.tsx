// What happened to this job, newest first, and by whom.
import { Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import type { EventShape } from '../../contract/index.ts';
import type { EventKind } from '../../core/event.ts';
import { ErrorNotice } from '../components/states.tsx';
import { Moment } from '../components/time.tsx';
import { queries, type JobKey } from '../queries.ts';
import { Panel } from './panel.tsx';

const FIRST = 10;
const MORE = 100;

const SENTENCE: Partial<Record<EventKind, string>> = {
  jobs_created: 'Created',
  jobs_claimed: 'Claimed by a worker',
  jobs_finished: 'Finished',
  jobs_lost: 'Lost: its machine fell silent',
  jobs_released: 'Given back unfinished',
  jobs_taken_back: 'Taken back: the attempt returned, still running',
  jobs_edited: 'Edited',
  jobs_cancelled: 'Cancelled',
  jobs_cancel_requested: 'Cancel requested',
  jobs_requeued: 'Requeued',
  jobs_held: 'Held',
  jobs_unheld: 'Let run',
  jobs_ready: 'Ready for its retry',
  artifact_stored: 'File stored',
  matrix_expanded: 'Created from a matrix',
};

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
              {SENTENCE[event.kind] ?? event.kind.replaceAll('_', ' ')}
              <EventDetail event={event} />
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
      {history.data?.next_cursor == null || limit === MORE ? null : (
        <Button variant="subtle" size="compact-xs" mt={6} onClick={() => setLimit(MORE)} loading={history.isFetching}>
          Show more
        </Button>
      )}
    </Panel>
  );
}

/** The plain values that came with an event, e.g. its outcome or the name of a file. */
function EventDetail({ event }: { readonly event: EventShape }) {
  const parts = Object.entries(event.data).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [`${name.replaceAll('_', ' ')} ${String(value)}`] : [],
  );
  if (parts.length === 0) return null;
  return (
    <Text span size="xs" c="dimmed">
      {' '}
      {parts.join(', ')}
    </Text>
  );
}
