// The body of an upload as a stream that ends badly when it is too large, not as long as it said, or too slow.
import { Refusal } from '../core/refusal.ts';

import type { Call } from './context.ts';
import { atLeastRate } from './upload-rate.ts';

/** Refuses at once what says that it is too large. `around`: bytes that may come with the file. */
export function uploadBody(call: Pick<Call, 'request' | 'context'>, around = 0): AsyncIterable<Uint8Array> {
  const { request, context } = call;
  const limit = context.artifact_limit_bytes + around;
  const declared = declaredLength(request);
  if (declared !== null && declared > limit) throw tooLarge(context.artifact_limit_bytes);
  const body: AsyncIterable<Uint8Array> = request.body ?? nothing();
  return measured(atLeastRate(body, context.clock), { limit, declared });
}

function declaredLength(request: Request): number | null {
  const text = request.headers.get('content-length');
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* measured(body: AsyncIterable<Uint8Array>, { limit, declared }: { limit: number; declared: number | null }): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const piece of body) {
    size += piece.byteLength;
    if (size > limit) throw tooLarge(limit);
    yield piece;
  }
  if (declared !== null && size !== declared) {
    throw new Refusal('invalid_input', `The body has ${size} bytes, but Content-Length says ${declared}; nothing was stored.`);
  }
}

export function tooLarge(limit: number): Refusal {
  return new Refusal('too_large', `A file has at most ${limit} bytes. Upload less, or start the server with a higher limit.`, { limit_bytes: limit });
}
