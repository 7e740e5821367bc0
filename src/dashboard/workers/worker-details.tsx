// One worker beside the table: what it is, what happened to it, what its machine does. Open in the URL, so that it can be linked to.
import { Alert, Drawer, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import type { WorkerShape } from '../../contract/index.ts';
import { CopyIcon } from '../components/copy.tsx';
import { ErrorNotice, LoadingRows } from '../components/states.tsx';
import { WorkerActions } from './command-menus.tsx';
import type { Commands } from './worker-commands.tsx';
import { WorkerHistory } from './worker-history.tsx';
import { WorkerInfo } from './worker-info.tsx';
import { WorkerMetrics } from './worker-metrics.tsx';
import { workerQueries } from './worker-queries.ts';
import { WorkerState } from './worker-state.tsx';
import { DETAIL_VIEWS, withChange, type DetailView, type WorkersChange, type WorkersSearch } from './workers-search.ts';

interface Props {
  readonly experiment: string;
  readonly search: WorkersSearch;
  readonly change: (change: WorkersChange) => void;
  readonly commands: Commands | null;
  readonly revoke: ((worker: WorkerShape) => void) | null;
}

export function WorkerPanel(props: Props) {
  const { search, change } = props;
  // The last one is shown while the panel slides away.
  const [last, setLast] = useState(search.worker);
  if (search.worker !== undefined && search.worker !== last) setLast(search.worker);
  return (
    <Drawer
      opened={search.worker !== undefined}
      onClose={() => change({ worker: undefined, view: undefined, range: undefined })}
      position="right"
      size={640}
      closeButtonProps={{ 'aria-label': 'Close the details' }}
      title={
        <span className="dr-worker-name">
          <span className="dr-mono">{last}</span>
          <CopyIcon text={last ?? ''} what="worker id" />
        </span>
      }
      classNames={{ content: 'dr-worker-panel' }}
    >
      {last === undefined ? null : <Details {...props} worker={last} />}
    </Drawer>
  );
}

const VIEW_WORD: Record<DetailView, string> = { info: 'Info', history: 'History', metrics: 'Metrics' };

function Details({ experiment, search, commands, revoke, worker: id, change }: Props & { readonly worker: string }) {
  const key = { experiment, worker: id };
  const details = useQuery(workerQueries.details(key));
  const view: DetailView = search.view ?? 'info';
  if (details.isError) return <ErrorNotice error={details.error} retry={() => void details.refetch()} />;
  if (details.data === undefined) return <LoadingRows rows={8} />;
  const worker = details.data;
  const gone = worker.status === 'disabled';
  return (
    <>
      <Group justify="space-between" gap="xs" mb="xs">
        <WorkerState worker={worker} />
        <span className="dr-worker-actions">
          <WorkerActions worker={worker} commands={gone ? null : commands} revoke={worker.revoked_at === null ? revoke : null} />
        </span>
      </Group>
      {worker.revoked_at === null ? null : (
        <Alert color="red" variant="light" p="xs" mb="xs">
          <Text size="sm">Its agent was revoked: its secret is good for nothing any more.</Text>
        </Alert>
      )}
      <nav className="dr-tabs" aria-label="Details">
        {DETAIL_VIEWS.map((each) => (
          <Link
            key={each}
            to="/experiments/$experiment/workers"
            params={{ experiment }}
            search={withChange(search, { view: each === 'info' ? undefined : each })}
            className="dr-tab"
            data-status={each === view ? 'active' : undefined}
            aria-current={each === view ? 'page' : undefined}
            activeProps={{}}
            activeOptions={{ exact: true }}
            {...(each === view ? { 'data-autofocus': true } : {})}
            replace
            resetScroll={false}
          >
            {VIEW_WORD[each]}
          </Link>
        ))}
      </nav>
      {view === 'info' ? <WorkerInfo worker={worker} /> : null}
      {view === 'history' ? <WorkerHistory {...key} /> : null}
      {view === 'metrics' ? (
        <WorkerMetrics
          worker={worker}
          experiment={experiment}
          range={search.range ?? '1h'}
          choose={(range) => change({ range: range === '1h' ? undefined : range })}
        />
      ) : null}
    </>
  );
}
