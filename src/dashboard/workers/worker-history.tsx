// What happened to a worker, newest first: registration, jobs, commands and by whom, silence.
import { Button, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { ErrorNotice, LoadingRows } from '../components/states.tsx';
import { OUTCOME_WORD } from '../components/status.tsx';
import { durationText, Elapsed, Moment } from '../components/time.tsx';
import { eventText, type HistoryEntry } from './history-text.ts';
import { workerQueries } from './worker-queries.ts';

export function WorkerHistory({ experiment, worker }: { readonly experiment: string; readonly worker: string }) {
  const history = useInfiniteQuery(workerQueries.history({ experiment, worker }));
  if (history.isError) return <ErrorNotice error={history.error} retry={() => void history.refetch()} />;
  if (history.isPending) return <LoadingRows rows={6} />;
  const entries = history.data.pages.flatMap((page) => page.entries);
  return (
    <>
      {entries.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing is recorded of it any more.
        </Text>
      ) : null}
      <ol className="dr-history dr-worker-history" aria-label="History, newest first">
        {entries.map((entry, index) => (
          <li key={`${entry.at} ${index}`}>{entry.what === 'job' ? <JobEntry entry={entry} /> : <EventEntry entry={entry} />}</li>
        ))}
      </ol>
      {history.hasNextPage ? (
        <Button variant="default" size="compact-sm" mt="xs" onClick={() => void history.fetchNextPage()} loading={history.isFetchingNextPage}>
          Show older
        </Button>
      ) : (
        <Text size="xs" c="dimmed" mt="xs">
          That is all there is.
        </Text>
      )}
    </>
  );
}

function JobEntry({ entry }: { readonly entry: Extract<HistoryEntry, { what: 'job' }> }) {
  const { job, outcome } = entry;
  const tone = outcome === null ? 'busy' : outcome === 'succeeded' ? 'good' : outcome === 'cancelled' || outcome === 'released' ? 'idle' : 'bad';
  return (
    <>
      <span className="dr-live-dot" data-tone={tone} />
      <span className="dr-history-what">
        {job === null ? (
          'Took a job that you may not see, or that was deleted'
        ) : (
          <>
            Took{' '}
            <Link to="/experiments/$experiment/jobs/$number" params={{ experiment: job.experiment, number: String(job.number) }} className="dr-job-link dr-num">
              {job.experiment}/{job.number}
            </Link>
            {job.attempt === 1 ? '' : `, attempt ${job.attempt}`}
          </>
        )}
        <Text span size="xs" c="dimmed" ml={8}>
          {outcome === null ? (
            <>
              runs, <Elapsed since={entry.at} />
            </>
          ) : (
            `${OUTCOME_WORD[outcome].toLowerCase()}${entry.duration_ms === null ? '' : ` after ${durationText(entry.duration_ms)}`}`
          )}
        </Text>
      </span>
      <When at={entry.at} />
    </>
  );
}

const DOT = { good: 'good', bad: 'bad', warn: 'warn', plain: 'idle' } as const;

function EventEntry({ entry }: { readonly entry: Extract<HistoryEntry, { what: 'event' }> }) {
  const { title, detail, tone } = eventText(entry);
  const who = entry.actor === null || entry.actor === 'server' || entry.actor.startsWith('agent:') ? null : entry.actor;
  return (
    <>
      <span className="dr-live-dot" data-tone={DOT[tone]} />
      <span className="dr-history-what">
        {title}
        {detail === '' ? null : (
          <Text span size="xs" c="dimmed" ml={8}>
            {detail}
          </Text>
        )}
      </span>
      {who === null ? null : (
        <Text span size="xs" c="dimmed" className="dr-history-who">
          by {who}
        </Text>
      )}
      <When at={entry.at} />
    </>
  );
}

function When({ at }: { readonly at: string }) {
  return (
    <Text span size="xs" c="dimmed">
      <Moment at={at} />
    </Text>
  );
}
