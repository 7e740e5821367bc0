import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';

import { systemClock } from '../runtime/clock.ts';
import { clientFor } from './connection.ts';
import { copyLog, readHoles, skipHoles } from './log-reader.ts';
import { startContractServer, type ContractServer, type Reply } from './stage.suite.ts';

let server: ContractServer | null = null;
afterEach(() => server?.close());

async function copy(answer: (from: number, follow: boolean) => Reply, follow: boolean) {
  server = await startContractServer(({ query }) => answer(Number(query.get('from')), query.get('follow') === 'true'));
  const client = clientFor(server.url, null, { fetch, version: '1' });
  const written: Uint8Array[] = [];
  const sink = { write: async (bytes: Uint8Array) => void written.push(bytes), clock: { ...systemClock, sleep: () => Promise.resolve() } };
  const end = await copyLog(
    client,
    { experiment: 'digits-tune', number: 1, stream: 'stdout', attempt: null, follow, signal: new AbortController().signal },
    sink,
  );
  return { bytes: Buffer.concat(written), end };
}

test('a log is the same bytes, whatever they are and however little one reply holds', async () => {
  const log = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256));
  const { bytes } = await copy(
    (from) => ({ bytes: log.subarray(from, from + 1500), headers: { 'drover-log-size': String(log.length), 'drover-log-from': String(from) } }),
    false,
  );
  expect(bytes.equals(log)).toBe(true);
});

test('a connection that breaks in the middle is taken up where it broke', async () => {
  const log = Buffer.from('one two three four five six');
  let tries = 0;
  const { bytes } = await copy((from, follow) => {
    tries += 1;
    const headers = { 'drover-log-size': String(log.length), 'drover-log-live': 'false' };
    return tries < 3
      ? { bytes: log.subarray(from, from + 9), headers, cut: true }
      : { bytes: log.subarray(from), headers: { ...headers, 'x-follow': String(follow) } };
  }, true);
  expect(bytes.toString()).toBe(log.toString());
});

test('following goes on when a reply ends although the attempt has not', async () => {
  const log = Buffer.from('epoch 1\nepoch 2\nepoch 3\n');
  let arrived = 8;
  const { bytes } = await copy((from, follow) => {
    const reply = { bytes: log.subarray(from, arrived), headers: { 'drover-log-size': String(arrived), 'drover-log-live': String(arrived < log.length) } };
    if (follow) arrived = Math.min(log.length, arrived + 8);
    return reply;
  }, true);
  expect(bytes.toString()).toBe(log.toString());
});

test('bytes that the server dropped are counted, and reading goes on behind the hole', async () => {
  const { bytes, end } = await copy((from) => {
    const headers = { 'drover-log-size': '110', 'drover-log-holes': '5-105' };
    return from === 0 ? { bytes: Buffer.from('abcdeVW'), headers } : { bytes: Buffer.from('XYZ'), headers: { 'drover-log-size': '110' } };
  }, false);
  expect(bytes.toString()).toBe('abcdeVWXYZ');
  expect(end.dropped_bytes).toBe(100);
});

test('a position behind holes is the one that counting byte by byte gives', () => {
  const holes = fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 10 })), { maxLength: 4 }).map((pairs) => {
    let at = 0;
    return pairs.map(([gap, length]) => {
      const from = at + gap;
      at = from + length;
      return { from, to: at };
    });
  });
  fc.assert(
    fc.property(holes, fc.nat(60), fc.nat(60), (list, start, length) => {
      const inHole = (at: number): boolean => list.some(({ from, to }) => at >= from && at < to);
      fc.pre(!inHole(start));
      let at = start;
      for (let left = length; left > 0; at += 1) if (!inHole(at)) left -= 1;
      expect(skipHoles(start, length, list)).toBe(at);
    }),
  );
});

test('holes are read from their header', () => {
  expect(readHoles('20-30, 5-10')).toEqual([
    { from: 5, to: 10 },
    { from: 20, to: 30 },
  ]);
  expect(readHoles(null)).toEqual([]);
});
