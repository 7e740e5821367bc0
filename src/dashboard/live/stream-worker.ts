// Runs once per browser, beside all its pages: holds their one connection to the event stream, so that ten tabs need one and not ten
// of the six that a browser allows. It ends with the last page.
import { EventConnection, type LiveState } from './event-connection.ts';
import { EVENTS_URL, type PageMessage, type WorkerMessage } from './stream-messages.ts';

/** A page asks for its data before it is joined here; what happened in between is told to it again, which does no harm. */
const RECENT_MS = 10_000;
const MOST_RECENT = 200;

const scope = globalThis as unknown as { onconnect: ((event: MessageEvent) => void) | null };
/** Each page's port, and whether somebody looks at it. */
const pages = new Map<MessagePort, boolean>();
let recent: { readonly at: number; readonly data: string }[] = [];
let state: LiveState = 'connecting';

const tellAll = (message: WorkerMessage): void => {
  for (const port of pages.keys()) port.postMessage(message);
};

const connection = new EventConnection(EVENTS_URL, {
  onState: (next) => {
    state = next;
    tellAll({ kind: 'state', state });
  },
  onEvent: (data) => {
    recent = [...recent.filter(({ at }) => at > Date.now() - RECENT_MS), { at: Date.now(), data }].slice(-MOST_RECENT);
    tellAll({ kind: 'event', data });
  },
  onReset: () => tellAll({ kind: 'reset' }),
  onRefused: () => tellAll({ kind: 'refused' }),
});

function join(port: MessagePort): void {
  const tell = (message: WorkerMessage): void => port.postMessage(message);
  tell({ kind: 'state', state });
  for (const { at, data } of recent) if (at > Date.now() - RECENT_MS) tell({ kind: 'event', data });
  connection.hurry();
}

scope.onconnect = ({ ports: [port] }) => {
  if (port === undefined) return;
  port.onmessage = ({ data }: MessageEvent<PageMessage>) => {
    if (data.kind === 'renew') {
      recent = [];
      return connection.renew();
    }
    const isNew = data.kind === 'watch' && !pages.has(port);
    if (data.kind === 'watch') pages.set(port, data.visible);
    else pages.delete(port);
    if (isNew) join(port);
    connection.setWatched([...pages.values()].includes(true));
  };
};
