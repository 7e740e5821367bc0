// Reads a log from the server to its end, byte for byte, also when the connection breaks or one reply holds only a part.
import { isApiError } from './failure.ts';
import type { ApiClient } from './connection.ts';
import type { CliDependencies } from './dependencies.ts';

export interface LogRequest {
  readonly experiment: string;
  readonly number: number;
  readonly stream: 'stdout' | 'stderr';
  readonly attempt: number | null;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

export interface LogEnd {
  /** Bytes that the server had dropped from the middle. */
  readonly dropped_bytes: number;
}

interface Hole {
  readonly from: number;
  readonly to: number;
}

/** Pause before a broken connection is taken up again. */
const RECONNECT_MS = 1_000;

export async function copyLog(
  client: ApiClient,
  request: LogRequest,
  sink: { write: (bytes: Uint8Array) => Promise<void>; clock: CliDependencies['clock'] },
): Promise<LogEnd> {
  let position = 0;
  let dropped = 0;
  let answered = false;
  // A reply that was followed may also end because the server stopped; what is read without following then tells whether more may come.
  let follow = request.follow;
  while (!request.signal.aborted) {
    const before = position;
    const part = await readPart(client, request, { from: position, follow }).catch((error: unknown) => retryLater(error, answered));
    if (part === null) {
      await sink.clock.sleep(RECONNECT_MS, request.signal);
      continue;
    }
    answered = true;
    const { whole } = await copyBody(part.reply, request.signal, async (bytes) => {
      const next = skipHoles(position, bytes.length, part.holes);
      dropped += next - position - bytes.length;
      position = next;
      await sink.write(bytes);
    });
    if (!whole) {
      await sink.clock.sleep(RECONNECT_MS, request.signal);
    } else if (follow) {
      follow = false;
    } else if (position >= part.size || position === before) {
      if (!request.follow || !part.live) break;
      follow = true;
    }
  }
  return { dropped_bytes: dropped };
}

interface LogPart {
  readonly reply: Response;
  /** End of what had arrived. */
  readonly size: number;
  readonly live: boolean;
  readonly holes: readonly Hole[];
}

async function readPart(client: ApiClient, request: LogRequest, { from, follow }: { from: number; follow: boolean }): Promise<LogPart> {
  const { experiment, number, stream, attempt, signal } = request;
  const query = { stream, from, follow: follow ? ('true' as const) : ('false' as const), ...(attempt === null ? {} : { attempt }) };
  const reply = await client.results.log({ params: { experiment, number }, query }, { signal });
  return {
    reply,
    size: Number(reply.headers.get('drover-log-size') ?? 0),
    live: reply.headers.get('drover-log-live') === 'true',
    holes: readHoles(reply.headers.get('drover-log-holes')),
  };
}

/** Null: the connection is to be tried again. */
function retryLater(error: unknown, mayRetry: boolean): null {
  if (mayRetry && isApiError(error) && error.retryable) return null;
  throw error;
}

async function copyBody(reply: Response, signal: AbortSignal, take: (bytes: Uint8Array) => Promise<void>): Promise<{ whole: boolean }> {
  if (reply.body === null) return { whole: true };
  const reader = reply.body.getReader();
  for (;;) {
    const next = await reader.read().catch(() => null);
    if (next === null || signal.aborted) return { whole: false };
    if (next.done) return { whole: true };
    await take(next.value);
  }
}

/** Where the stream stands after `length` bytes from `position`, when the holes in between are left out of the reply. */
export function skipHoles(position: number, length: number, holes: readonly Hole[]): number {
  let at = position;
  let left = length;
  for (const hole of holes) {
    if (hole.to <= at) continue;
    if (hole.from > at) {
      const step = Math.min(left, hole.from - at);
      at += step;
      left -= step;
    }
    if (left === 0) return at;
    at = hole.to;
  }
  return at + left;
}

export function readHoles(header: string | null): Hole[] {
  return [...(header ?? '').matchAll(/(\d+)-(\d+)/g)].map(([, from, to]) => ({ from: Number(from), to: Number(to) })).sort((a, b) => a.from - b.from);
}
