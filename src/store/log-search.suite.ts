// Searching logs on every engine: what is found is what people read, wherever it lies, and no call does more than its share.
import { beforeEach, describe, expect, it } from 'vitest';

import { type InsertedExperiment, insertAttempt, insertExperiment, insertJob } from '../../test/support/rows.ts';
import { LIMITS } from '../core/limits.ts';

import type { AttemptReference } from './attempt-proof.ts';
import { STREAMS } from './log-chunks.ts';
import { compactLogs } from './log-compaction.ts';
import { type LogMatch, type LogSearch, searchLog } from './log-search.ts';
import { appendLogs } from './logs.ts';
import type { Store } from './store.ts';

const MIB = 1024 * 1024;

export function logSearchSuite(opened: () => Store): void {
  let store: Store;
  let experiment: InsertedExperiment;
  let attempt: AttemptReference;
  let end: number;

  beforeEach(async () => {
    store = opened();
    experiment = await insertExperiment(store);
    attempt = await insertAttempt(store, await insertJob(store, experiment, 42));
    end = 0;
  });

  async function write(content: string | Uint8Array | { dropped_bytes: number }): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const piece = { ...attempt, stream: 'stdout', offset: end, at: 0, content: bytes } as const;
    await store.write((tx) => appendLogs(tx, store, { agent_id: 1, sent_at: 0, pieces: [piece] }));
    end += 'dropped_bytes' in bytes ? bytes.dropped_bytes : bytes.byteLength;
  }

  interface Asked {
    readonly from?: number;
    readonly may_grow?: boolean;
    readonly monotonic?: () => number;
    readonly signal?: AbortSignal;
  }

  const search = (text: string, asked: Asked = {}): Promise<LogSearch> =>
    searchLog(store, store.blobs, {
      ...{ text, from: 0, may_grow: false, monotonic: () => 0, signal: new AbortController().signal },
      ...asked,
      stream: { job_id: attempt.job_id, attempt: attempt.attempt, rank: attempt.rank, stream: STREAMS.stdout },
    });

  /** Call after call, as a page does it. */
  async function searchAll(text: string, asked: Asked = {}): Promise<{ matches: LogMatch[]; calls: number }> {
    const matches: LogMatch[] = [];
    for (let from = 0, calls = 1; ; calls += 1) {
      const found = await search(text, { ...asked, from });
      matches.push(...found.matches);
      if (found.next_from === found.size) return { matches, calls };
      expect(found.next_from).toBeGreaterThan(from);
      from = found.next_from;
    }
  }
  const lines = async (text: string): Promise<string[]> => (await searchAll(text)).matches.map((match) => match.excerpt);

  it('finds lines without regard for case, and says where they begin', async () => {
    await write('one\nTWO errors, error\nthree\nlast Error');
    expect(await search('error')).toEqual({
      matches: [
        { offset: 4, excerpt: 'TWO errors, error' },
        { offset: 28, excerpt: 'last Error' },
      ],
      next_from: 38,
      size: 38,
    });
    expect(await lines('ERRORS')).toEqual(['TWO errors, error']);
    expect(await lines('nothing')).toEqual([]);
  });

  it('finds what people read: no colour codes, no progress that was drawn over, other scripts', async () => {
    await write('\u001b[32mgreen\u001b[0m light\n 10%\r 50%\r100% done\nGRÖSSE Ω→😀\n\u001b]0;a title\nplain\n');
    expect(await lines('green light')).toEqual(['green light']);
    expect(await lines('100% D')).toEqual(['100% done']);
    expect(await lines('50%')).toEqual([]);
    expect(await lines('[32m')).toEqual([]);
    expect(await lines('größe')).toEqual([]);
    expect(await lines('grösse ω→😀')).toEqual(['GRÖSSE Ω→😀']);
    expect(await lines('plain')).toEqual(['plain']);
  });

  it('takes a text as text, whatever it holds', async () => {
    await write('a.*b (x) \\d \u0000 %_ end\n<b>&amp;\n');
    for (const text of ['.*', '(x) \\d', '\u0000', '%_', '\\']) expect(await lines(text)).toHaveLength(1);
    expect(await lines('<B>&')).toEqual(['<b>&amp;']);
    expect(await lines('a.+b')).toEqual([]);
  });

  it('finds lines that were written in pieces, over compaction, and not across what was dropped', async () => {
    await write('be');
    await write('gin\nhel');
    await write('lo wor');
    await write('ld\n');
    await write('cut he');
    await write({ dropped_bytes: 40_000_000 });
    await write('llo\nhello again\n');
    expect(await lines('hello')).toEqual(['hello world', 'hello again']);
    const { matches } = await searchAll('hello again');
    expect(matches).toEqual([{ offset: end - 12, excerpt: 'hello again' }]);
    await write(Buffer.alloc(2 * MIB, 'filler\n'));
    await write('\nthe needle\n');
    const before = await searchAll('hello');
    await compactLogs(store);
    expect((await searchAll('hello')).matches).toEqual(before.matches);
    expect(await lines('the needle')).toEqual(['the needle']);
  });

  it('leaves the last line of a job that runs until it has ended, and finds it then', async () => {
    await write('first\nsecond is');
    expect(await search('second', { may_grow: true })).toMatchObject({ matches: [], next_from: 6, size: 15 });
    await write(' whole now\n');
    expect(await search('second', { may_grow: true, from: 6 })).toMatchObject({ matches: [{ offset: 6, excerpt: 'second is whole now' }], next_from: 26 });
  });

  it('looks at so much, finds so many and takes so long in one call, and goes on from there', async () => {
    const line = `${'x'.repeat(99)}\n`;
    for (let written = 0; written < 20; written += 1) await write(Buffer.alloc(10_000 * line.length, line));
    await write('needle\n');
    await compactLogs(store);
    const far = await searchAll('needle');
    expect(far).toMatchObject({ matches: [{ offset: 20_000_000 }], calls: 2 });
    expect((await search('needle')).next_from).toBeLessThanOrEqual(LIMITS.log_search_bytes.value);
    const many = await search('XxXx');
    expect(many.matches).toHaveLength(LIMITS.log_search_matches.value);
    expect(many.next_from).toBe(LIMITS.log_search_matches.value * 100);
    expect((await search('xxx', { from: many.next_from })).matches[0]).toEqual({ offset: many.next_from, excerpt: 'x'.repeat(99) });
    let now = 0;
    const hurried = await search('needle', { monotonic: () => (now += 400) });
    expect(hurried.next_from).toBeLessThan(MIB);
    expect(hurried.next_from).toBeGreaterThan(0);
    expect((await search('needle', { signal: AbortSignal.abort() })).next_from).toBeLessThan(MIB);
  });

  describe('a line without end', () => {
    it('is searched in parts that overlap, and shown by a piece of it', async () => {
      const part = LIMITS.log_search_line_bytes.value;
      await write(`${'a'.repeat(part - 3)}needle${'b'.repeat(2 * part)}Needle${'c'.repeat(100)}\nneedle at the end`);
      const { matches } = await searchAll('needle');
      expect(matches).toHaveLength(3);
      expect(matches[0]!.excerpt).toMatch(/^a+needleb*$/);
      expect(matches[0]!.excerpt.length).toBeLessThanOrEqual(LIMITS.log_search_excerpt.value);
      expect(matches[1]!.excerpt).toMatch(/^b+Needlec+$/);
      expect(matches[2]!.excerpt).toBe('needle at the end');
    });

    it('of coloured text neither', async () => {
      await write(`\u001b[31m${'ä'.repeat(200_000)}needle${'ö'.repeat(200_000)}\u001b[0m\n`);
      expect((await searchAll('needle')).matches.length).toBeGreaterThan(0);
      expect((await searchAll('NEEDLEÖ')).matches.length).toBeGreaterThan(0);
    });
  });
}
