// One connection to the event stream, in a page or in the worker that pages share. It heals itself, and is given up while nobody looks.
import { EVENT_KINDS } from '../../core/event.ts';

export type LiveState = 'connecting' | 'live' | 'lost';

export interface ConnectionListener {
  readonly onState: (state: LiveState) => void;
  /** An event as the server sent it: JSON. */
  readonly onEvent: (data: string) => void;
  /** Events were missed: everything must be loaded anew. */
  readonly onReset: () => void;
  /** The server answered, but gave no stream: perhaps the session has ended. */
  readonly onRefused: () => void;
}

const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;
/** Browsers allow six connections per host; when nobody looks any more, this one is given back after so long. */
const UNWATCHED_MS = 60_000;

export class EventConnection {
  private readonly url: string;
  private readonly listener: ConnectionListener;
  private source: EventSource | null = null;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private unwatched: ReturnType<typeof setTimeout> | null = null;
  private failures = 0;
  private opened = false;

  constructor(url: string, listener: ConnectionListener) {
    this.url = url;
    this.listener = listener;
    this.open();
  }

  close(): void {
    for (const timer of [this.retry, this.unwatched]) if (timer !== null) clearTimeout(timer);
    this.source?.close();
    this.source = null;
  }

  /** Whether anybody looks at what depends on it. */
  setWatched(watched: boolean): void {
    if (!watched) {
      this.unwatched ??= setTimeout(() => {
        this.unwatched = null;
        if (this.retry !== null) clearTimeout(this.retry);
        this.source?.close();
        this.source = null;
      }, UNWATCHED_MS);
      return;
    }
    if (this.unwatched !== null) clearTimeout(this.unwatched);
    this.unwatched = null;
    if (this.source !== null) return;
    this.failures = 1;
    this.open();
  }

  /** Tries at once what was to be tried later: somebody has just signed in, perhaps. */
  hurry(): void {
    if (this.source !== null && this.source.readyState === EventSource.CLOSED) this.open();
  }

  /** Connects anew, as whoever is signed in now. */
  renew(): void {
    this.failures = Math.max(1, this.failures);
    this.open();
  }

  private open(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
    this.source?.close();
    this.listener.onState(this.opened ? 'lost' : 'connecting');
    const source = new EventSource(this.url);
    this.source = source;
    source.addEventListener('open', () => this.onOpen());
    source.addEventListener('error', () => this.onError(source));
    source.addEventListener('reset', () => this.listener.onReset());
    for (const kind of EVENT_KINDS) source.addEventListener(kind, ({ data }: MessageEvent<string>) => this.listener.onEvent(data));
  }

  private onOpen(): void {
    // A stream opened by us (not by the browser's own reconnect) sends nothing of what was missed.
    if (this.failures > 0) this.listener.onReset();
    this.opened = true;
    this.failures = 0;
    this.listener.onState('live');
  }

  private onError(source: EventSource): void {
    if (source !== this.source) return;
    this.listener.onState(this.opened ? 'lost' : 'connecting');
    if (source.readyState !== EventSource.CLOSED) return;
    const delay = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]!;
    this.failures += 1;
    this.listener.onState('lost');
    this.listener.onRefused();
    this.retry = setTimeout(() => this.open(), delay);
  }
}
