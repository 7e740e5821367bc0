// Reads JSON bodies: bounded, in time, as UTF-8, and without what JSON.parse would let slip through.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import { strictJsonProblem } from '../core/strict-json.ts';
import type { Clock } from '../runtime/clock.ts';

const MOST_BYTES = LIMITS.body_bytes.value;

/** A JSON body is small; who sends it slower than this holds a connection for nothing. */
const BODY_MS = 60_000;

export interface BodySource {
  readonly request: Request;
  /** The socket's side of the request; absent when a test calls the app without a server. */
  readonly incoming: IncomingMessage | undefined;
  readonly clock: Clock;
}

/** The body's text; empty when there is none. */
export async function readBody(source: BodySource): Promise<string> {
  const declared = source.request.headers.get('content-length');
  if (declared !== null && Number(declared) > MOST_BYTES) throw tooLarge();
  const bytes = source.incoming === undefined ? await readRequest(source.request) : await readIncoming(source.incoming, source.clock);
  if (bytes.byteLength === 0) return '';
  const type = source.request.headers.get('content-type');
  if (type === null || !/^application\/json\s*(;|$)/i.test(type)) {
    throw new Refusal('malformed_json', 'Send the body as JSON, with the header Content-Type: application/json.');
  }
  if (!isUtf8(bytes)) throw new Refusal('malformed_json', 'The body is not UTF-8 text. Encode it as UTF-8 and send it again.');
  return bytes.toString('utf8');
}

async function readRequest(request: Request): Promise<Buffer> {
  const bytes = Buffer.from(await request.arrayBuffer());
  if (bytes.byteLength > MOST_BYTES) throw tooLarge();
  return bytes;
}

function readIncoming(incoming: IncomingMessage, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const timer = clock.after(BODY_MS, () =>
      settle(new Refusal('too_slow', 'The body did not arrive within a minute. Send it again over a faster connection.')),
    );
    const settle = (error: Error | null): void => {
      timer.cancel();
      incoming.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      if (error === null) resolve(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, length));
      else reject(error);
    };
    const onData = (piece: Buffer): void => {
      length += piece.byteLength;
      if (length > MOST_BYTES) settle(tooLarge());
      else pieces.push(piece);
    };
    const onEnd = (): void => settle(null);
    const onClose = (): void => settle(new Refusal('malformed_json', 'The body ended too early.'));
    incoming.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

function tooLarge(): Refusal {
  return new Refusal('too_large', `The body is larger than ${MOST_BYTES / 1024 / 1024} MiB. Split it into several requests.`, { limit_bytes: MOST_BYTES });
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'not readable';
    throw new Refusal('malformed_json', `The body is not JSON: ${reason.slice(0, 200)}`);
  }
}

/** Nesting of a whole body: what surrounds a param value is a few levels. */
const MOST_DEPTH = LIMITS.json_depth.value + 8;

/** Refuses what would overflow or poison those who walk the value. */
export function refuseUnsafe(text: string, value: unknown): void {
  if (jsonDepth(text) > MOST_DEPTH) throw new Refusal('invalid_input', `The body is nested deeper than ${MOST_DEPTH} levels. Make it flatter.`);
  // Written plainly or with escapes; the walk that makes sure is only for texts that may have it.
  if ((text.includes('__proto__') || text.includes('\\u')) && hasPrototypeKey(value)) {
    throw new Refusal('invalid_input', 'A name in the body is "__proto__", which cannot be used. Choose another name.', {
      fields: [{ path: '__proto__', message: 'This name cannot be used.' }],
    });
  }
}

/** Refuses names that are given twice and numbers that a double would change. */
export function refuseLossy(text: string): void {
  const problem = strictJsonProblem(text);
  if (problem === null) return;
  throw new Refusal('invalid_input', `${problem.path === '' ? 'The body' : problem.path}: ${problem.sentence}`, {
    fields: [{ path: problem.path, message: problem.sentence }],
  });
}

function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 34) at = endOfString(text, at);
    else if (code === 123 || code === 91) deepest = Math.max(deepest, (depth += 1));
    else if (code === 125 || code === 93) depth -= 1;
  }
  return deepest;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== 34) at += text.charCodeAt(at) === 92 ? 2 : 1;
  return at;
}

function hasPrototypeKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasPrototypeKey);
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasPrototypeKey);
}
