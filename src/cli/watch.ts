// Looks at something again and again: at once when the server's event stream says that jobs changed, else every second or so.
import type { Clock } from '../runtime/clock.ts';
import type { ApiClient } from './connection.ts';
import { isApiError } from './failure.ts';

/** Between two looks, however many events come. */
const LEAST_MS = 200;
const MOST_MS = 1_000;
/** Pause before a broken event stream is opened again. */
const RECONNECT_MS = 3_000;

export type Wake = (options: { clock: Clock; signal: AbortSignal; wake: () => void }) => Promise<void>;

export interface WatchOptions<State> {
  readonly read: () => Promise<State>;
  readonly wake: Wake;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called when the server stops answering, and with null when it answers again. Only the very first look may fail. */
  readonly onTrouble?: (error: Error | null) => void;
}

export async function* watchCounts<State>({ read, wake, clock, signal, onTrouble }: WatchOptions<State>): AsyncGenerator<State> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  signal.addEventListener('abort', abort, { once: true });
  const alarm = createAlarm();
  let first = true;
  let trouble = false;
  try {
    while (!signal.aborted) {
      const state = await read().catch((error: unknown) => (!first && isApiError(error) && error.retryable ? error : Promise.reject(error as Error)));
      if (state instanceof Error) {
        if (!trouble) onTrouble?.(state);
        trouble = true;
      } else {
        if (trouble) onTrouble?.(null);
        trouble = false;
        yield state;
      }
      if (first) void wake({ clock, signal: stop.signal, wake: alarm.ring });
      first = false;
      await clock.sleep(LEAST_MS, signal);
      await alarm.wait(clock, MOST_MS - LEAST_MS, signal);
    }
  } finally {
    stop.abort();
    signal.removeEventListener('abort', abort);
  }
}

/** What a command that waits says for `onTrouble`. */
export function trouble(error: Error | null): string {
  return error === null ? 'The server is back.' : 'The server does not answer; still waiting.';
}

function createAlarm() {
  let rung = false;
  let ringing = (): void => {};
  return {
    ring: (): void => {
      rung = true;
      ringing();
    },
    async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
      if (!rung && !signal.aborted) {
        const over = new AbortController();
        const end = (): void => over.abort();
        signal.addEventListener('abort', end, { once: true });
        ringing = end;
        await clock.sleep(ms, over.signal);
        signal.removeEventListener('abort', end);
      }
      rung = false;
      ringing = () => {};
    },
  };
}

/** Wakes at every event about the jobs of these experiments and at the end of a bulk action; null: of all. Without a stream the watch goes on by looking. */
export function wakeOnEvents(client: ApiClient, experiments: readonly string[] | null): Wake {
  return async ({ clock, signal, wake }) => {
    while (!signal.aborted) {
      try {
        const reply = await client.server.events(experiments === null ? {} : { query: { experiment: [...experiments] } }, { signal });
        await readEvents(reply, signal, wake);
      } catch {
        // The looks in between go on; they also tell when the server is away.
      }
      await clock.sleep(RECONNECT_MS, signal);
    }
  };
}

async function readEvents(reply: Response, signal: AbortSignal, wake: () => void): Promise<void> {
  if (reply.body === null) return;
  const decoder = new TextDecoder();
  const reader = reply.body.getReader();
  let rest = '';
  while (!signal.aborted) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop()!;
    if (lines.some(changesCounts)) wake();
  }
}

function changesCounts(line: string): boolean {
  const kind = /^event: *(\w+)/.exec(line)?.[1] ?? '';
  return kind === 'reset' || kind === 'operation_finished' || (kind.startsWith('jobs_') && kind !== 'jobs_progressed');
}
