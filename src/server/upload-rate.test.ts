import { expect, it } from 'vitest';

import { LIMITS } from '../core/limits.ts';
import { manualClock } from '../../test/support/manual-clock.ts';

import { atLeastRate } from './upload-rate.ts';

const RATE = LIMITS.upload_rate_bytes.value;
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A source that the test feeds: pieces, then an end. */
function fed(): { source: AsyncIterable<Uint8Array>; push(bytes: number): void; end(): void; returned: () => boolean } {
  let wake = (): void => {};
  const pieces: (number | null)[] = [];
  let returned = false;
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    while (pieces.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const bytes = pieces.shift()!;
    return bytes === null ? { done: true, value: undefined } : { done: false, value: new Uint8Array(bytes) };
  };
  const finish = async (): Promise<IteratorResult<Uint8Array>> => {
    returned = true;
    return { done: true, value: undefined };
  };
  return {
    source: { [Symbol.asyncIterator]: () => ({ next, return: finish }) },
    push(bytes) {
      pieces.push(bytes);
      wake();
    },
    end() {
      pieces.push(null);
      wake();
    },
    returned: () => returned,
  };
}

async function total(source: AsyncIterable<Uint8Array>): Promise<number> {
  let sum = 0;
  for await (const piece of source) sum += piece.byteLength;
  return sum;
}

it('lets a slow but steady upload take hours', async () => {
  const clock = manualClock();
  const upload = fed();
  const result = total(atLeastRate(upload.source, clock));
  for (let second = 0; second < 3 * 3600; second += 10) {
    upload.push(RATE * 10);
    await tick();
    clock.advance(10_000);
    await tick();
  }
  upload.end();
  expect(await result).toBe(RATE * 3 * 3600);
});

it('cuts an upload that stops, after a minute', async () => {
  const clock = manualClock();
  const upload = fed();
  const outcome = total(atLeastRate(upload.source, clock)).then(
    () => 'done',
    (error: { code: string }) => error.code,
  );
  upload.push(100);
  await tick();
  clock.advance(59_999);
  await tick();
  expect(upload.returned()).toBe(false);
  clock.advance(1);
  expect(await outcome).toBe('too_slow');
  expect(upload.returned()).toBe(true);
});

it('cuts an upload that trickles', async () => {
  const clock = manualClock();
  const upload = fed();
  const outcome = total(atLeastRate(upload.source, clock)).catch((error: { code: string }) => error.code);
  for (let second = 0; second < 60; second += 1) {
    upload.push(RATE - 1);
    await tick();
    clock.advance(1_000);
    await tick();
  }
  upload.push(1);
  expect(await outcome).toBe('too_slow');
});

it('does not count the time that the disk takes', async () => {
  const clock = manualClock();
  const upload = fed();
  upload.push(10);
  upload.push(10);
  upload.end();
  let sum = 0;
  for await (const piece of atLeastRate(upload.source, clock)) {
    sum += piece.byteLength;
    clock.advance(600_000);
  }
  expect(sum).toBe(20);
});

it('passes on what goes wrong in the source', async () => {
  const broken: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('connection reset')) }) };
  await expect(total(atLeastRate(broken, manualClock()))).rejects.toThrow('connection reset');
});
