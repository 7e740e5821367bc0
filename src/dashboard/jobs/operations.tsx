// Bulk actions that the server does in the background: how far they are, how they ended, and what went wrong.
import { CloseButton, Loader, Progress, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconClockPause } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { countText } from '../components/bytes.ts';
import { Moment } from '../components/time.tsx';
import { useLive } from '../live/live-provider.tsx';
import { queries } from '../queries.ts';
import { serverNow } from '../server-clock.ts';
import { operationText, shownOperations, type Operation } from './operation-text.ts';

/** The steps of an operation tell no events of their own. */
const LOOK_MS = 1_000;
const LISTED = 3;
const STORED = 'drover.operations-read';
const MAX_STORED = 100;

export function Operations({ experiment }: { readonly experiment: string }) {
  const { paused } = useLive();
  const list = useQuery({
    ...queries.operations(experiment),
    refetchInterval: ({ state }) => (!paused && state.data?.operations.some((operation) => operation.state === 'running') ? LOOK_MS : false),
  });
  const [openedAt] = useState(serverNow);
  const [read, setRead] = useState(readStored);
  const close = (id: number): void => {
    const next = [...read, id].slice(-MAX_STORED);
    setRead(next);
    store(next);
  };
  const shown = shownOperations(list.data?.operations ?? [], { openedAt, now: serverNow(), read });
  if (shown.length === 0) return null;
  const more = shown.length - LISTED;
  return (
    <section className="dr-card dr-operations" aria-label="Bulk actions">
      {shown.slice(0, LISTED).map((operation, index) => (
        <Line
          key={operation.id}
          operation={operation}
          waits={operation.state === 'running' && shown.slice(0, index).some((earlier) => earlier.state === 'running')}
          close={() => close(operation.id)}
        />
      ))}
      {more <= 0 ? null : (
        <Text size="xs" c="dimmed" px="sm" pb={8}>
          and {countText(more)} more
        </Text>
      )}
    </section>
  );
}

interface LineProps {
  readonly operation: Operation;
  /** The operations of an experiment are done one after the other. */
  readonly waits: boolean;
  readonly close: () => void;
}

function Line({ operation, waits, close }: LineProps) {
  const { state, matched, done, created_by, created_at } = operation;
  const { title, detail } = operationText(operation, waits);
  const percent = matched === 0 ? 100 : Math.floor((100 * done) / matched);
  return (
    <div className="dr-operation" data-state={state}>
      <span className="dr-operation-icon" aria-hidden>
        <StateIcon state={state} waits={waits} />
      </span>
      {/* Only the end is read out: the bar tells its numbers to whoever asks. */}
      <div className="dr-operation-text" {...(state === 'running' ? {} : { role: state === 'failed' ? 'alert' : 'status' })}>
        <b>{title}</b>
        {detail === null ? null : <span>{detail}</span>}
      </div>
      {state === 'running' ? (
        <div className="dr-operation-progress">
          <Progress value={percent} size={6} aria-label={title} />
          <span className="dr-num">{percent}%</span>
        </div>
      ) : null}
      <span className="dr-operation-who">
        {created_by} · <Moment at={created_at} />
      </span>
      {state === 'running' ? null : <CloseButton size="sm" onClick={close} aria-label={`Close: ${title}`} />}
    </div>
  );
}

function StateIcon({ state, waits }: { readonly state: Operation['state']; readonly waits: boolean }) {
  if (state === 'failed') return <IconAlertTriangle size={17} />;
  if (state === 'done') return <IconCheck size={17} />;
  return waits ? <IconClockPause size={17} /> : <Loader size={15} />;
}

function readStored(): readonly number[] {
  try {
    const value = JSON.parse(sessionStorage.getItem(STORED) ?? '[]') as unknown;
    return Array.isArray(value) ? value.filter((id) => typeof id === 'number') : [];
  } catch {
    return [];
  }
}

function store(ids: readonly number[]): void {
  try {
    sessionStorage.setItem(STORED, JSON.stringify(ids));
  } catch {
    // Storage refused: it comes back with the next load of the page.
  }
}
