// The one event stream of this page. It heals itself, sleeps while the tab is hidden, and hands over events in bursts.
import { EventRecord, type EventShape } from '../../contract/index.ts';
import { EVENT_KINDS } from '../../core/event.ts';

export type LiveState = 'connecting' | 'live' | 'lost';

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
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const;
/** Browsers allow six connections per host; a tab that nobody looks at gives its one back after this long. */
const HIDDEN_MS = 60_000;

export class LiveStream {
  private readonly url: string;
  private readonly listener: LiveListener;
  private source: EventSource | null = null;
  private waiting: EventShape[] = [];
  private burst: ReturnType<typeof setTimeout> | null = null;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private hidden: ReturnType<typeof setTimeout> | null = null;
  private failures = 0;
  private opened = false;

  constructor(url: string, listener: LiveListener) {
    this.url = url;
    this.listener = listener;
    document.addEventListener('visibilitychange', this.onVisibility);
    this.open();
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.onVisibility);
    for (const timer of [this.burst, this.retry, this.hidden]) if (timer !== null) clearTimeout(timer);
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    this.source?.close();
    this.listener.onState(this.opened ? 'lost' : 'connecting');
    const source = new EventSource(this.url);
    this.source = source;
    source.addEventListener('open', () => this.onOpen());
    source.addEventListener('error', () => this.onError(source));
    source.addEventListener('reset', () => this.listener.onReset());
    for (const kind of EVENT_KINDS) source.addEventListener(kind, (message) => this.onMessage(message));
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

  private onMessage(message: MessageEvent<string>): void {
    const event = EventRecord.safeParse(parseJson(message.data));
    if (!event.success) return;
    this.waiting.push(event.data);
    this.burst ??= setTimeout(() => {
      this.burst = null;
      const events = this.waiting;
      this.waiting = [];
      this.listener.onEvents(events);
    }, BURST_MS);
  }

  private readonly onVisibility = (): void => {
    if (document.hidden) {
      this.hidden ??= setTimeout(() => {
        this.hidden = null;
        if (this.retry !== null) clearTimeout(this.retry);
        this.source?.close();
        this.source = null;
      }, HIDDEN_MS);
      return;
    }
    if (this.hidden !== null) clearTimeout(this.hidden);
    this.hidden = null;
    if (this.source === null) {
      this.failures = 1;
      this.open();
    }
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
