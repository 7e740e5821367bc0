// The event stream of this page: by way of the worker that all pages of the browser share, or, where there are no such workers, by a
// connection of its own. Hands over events in bursts.
import { EventRecord, type EventShape } from '../../contract/index.ts';
import { EventConnection, type ConnectionListener, type LiveState } from './event-connection.ts';
import { EVENTS_URL, type PageMessage, type WorkerMessage } from './stream-messages.ts';

export interface LiveListener {
  /** Events since the last call, at most every BURST_MS. */
  readonly onEvents: (events: readonly EventShape[]) => void;
  /** Events were missed: everything on the page must be loaded anew. */
  readonly onReset: () => void;
  readonly onState: (state: LiveState) => void;
  /** The server answered, but gave no stream: perhaps the session has ended. */
  readonly onRefused: () => void;
}

const BURST_MS = 500;

interface Source {
  setWatched(watched: boolean): void;
  close(): void;
}

export class LiveStream {
  private readonly source: Source;
  private readonly listener: LiveListener;
  /** Events of other experiments do not concern this page; null: all do. */
  private readonly experiment: string | null;
  private waiting: EventShape[] = [];
  private burst: ReturnType<typeof setTimeout> | null = null;

  constructor(experiment: string | null, listener: LiveListener) {
    this.experiment = experiment;
    this.listener = listener;
    const { onState, onReset, onRefused } = listener;
    const open = typeof SharedWorker === 'undefined' ? ownSource : sharedSource;
    this.source = open({ onState, onReset, onRefused, onEvent: (data) => this.onEvent(data) });
    document.addEventListener('visibilitychange', this.onVisibility);
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.onVisibility);
    if (this.burst !== null) clearTimeout(this.burst);
    this.source.close();
  }

  private onEvent(data: string): void {
    const event = EventRecord.safeParse(parseJson(data));
    if (!event.success || (this.experiment !== null && event.data.experiment !== null && event.data.experiment !== this.experiment)) return;
    this.waiting.push(event.data);
    this.burst ??= setTimeout(() => {
      this.burst = null;
      const events = this.waiting;
      this.waiting = [];
      this.listener.onEvents(events);
    }, BURST_MS);
  }

  private readonly onVisibility = (): void => this.source.setWatched(!document.hidden);
}

function ownSource(listener: ConnectionListener): Source {
  return new EventConnection(EVENTS_URL, listener);
}

function openWorker(): SharedWorker {
  return new SharedWorker(new URL('./stream-worker.ts', import.meta.url), { type: 'module', name: 'drover-events' });
}

/** By the connection to the worker that this page has already: a new one would be given up by a page that leaves. */
let renewShared: (() => Promise<void>) | null = null;
/** So long a page waits at most until the worker has heard it. */
const RENEW_MS = 1_000;

/** After a sign-out: the tabs' stream must not stay with the session that has ended. Resolves when the page may leave. */
export async function renewStream(): Promise<void> {
  await renewShared?.();
}

function sharedSource(listener: ConnectionListener): Source {
  const worker = openWorker();
  const tell = (message: PageMessage): void => worker.port.postMessage(message);
  const watch = (): void => tell({ kind: 'watch', visible: !document.hidden });
  const leave = (): void => tell({ kind: 'leave' });
  // A page that the browser put away for "back" comes back with everything as it was, and has missed what happened.
  const comeBack = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted) return;
    watch();
    listener.onReset();
  };
  let heard = (): void => undefined;
  const renew = (): Promise<void> =>
    new Promise((resolve) => {
      heard = resolve;
      setTimeout(resolve, RENEW_MS);
      tell({ kind: 'renew' });
    });
  renewShared = renew;
  worker.port.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
    // It connects anew, and says so.
    if (data.kind === 'state') heard();
    if (data.kind === 'event') listener.onEvent(data.data);
    else if (data.kind === 'state') listener.onState(data.state);
    else if (data.kind === 'reset') listener.onReset();
    else listener.onRefused();
  };
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', comeBack);
  watch();
  return {
    setWatched: watch,
    close() {
      window.removeEventListener('pagehide', leave);
      window.removeEventListener('pageshow', comeBack);
      if (renewShared === renew) renewShared = null;
      leave();
      worker.port.close();
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
