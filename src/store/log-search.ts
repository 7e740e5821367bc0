// Finds the lines of a log that hold a text, as people read them: without colour codes, drawn-over progress or regard for case. One call looks at a
// bounded piece of the log for a bounded time and says where the next one goes on, so that neither the log nor the text can hold up the server.
import { LIMITS } from '../core/limits.ts';
import { lastDrawn, withoutSteering } from '../core/log-text.ts';

import type { Blobs } from './blobs.ts';
import type { LogStream } from './log-chunks.ts';
import { type LogRange, readLogBytes, viewLog } from './log-reading.ts';
import type { Reader } from './store.ts';

export interface LogMatch {
  /** Where the line begins; of a line that is very long, the part that was looked at. */
  readonly offset: number;
  /** Some of the line, with the text in it. */
  readonly excerpt: string;
}

export interface LogSearch {
  readonly matches: readonly LogMatch[];
  /** Where to go on; equal to `size` when everything that has arrived was looked at. */
  readonly next_from: number;
  readonly size: number;
}

export interface LogSearchQuestion {
  readonly stream: LogStream;
  readonly from: number;
  readonly text: string;
  /** A last line without an end may still grow, and is left to the next search. */
  readonly may_grow: boolean;
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const ESCAPE = 0x1b;
/** Looked at without giving others a turn. */
const TURN_BYTES = 64 * 1024;

export async function searchLog(reader: Reader, blobs: Blobs, question: LogSearchQuestion): Promise<LogSearch> {
  const { stream, text, monotonic, signal } = question;
  const { size, range, holes } = await viewLog(reader, { stream, from: question.from, length: LIMITS.log_search_bytes.value });
  const finder = new LineFinder(text);
  const deadline = monotonic() + LIMITS.log_search_seconds.value * 1000;
  let at = range.from;
  let looked = 0;
  for await (const bytes of readLogBytes(reader, blobs, { stream, ...range })) {
    for (const run of splitAtHoles(at, bytes, holes)) {
      finder.take(run.from, run.bytes);
      at = run.from + run.bytes.length;
      looked += run.bytes.length;
      if (finder.isFull || signal.aborted || monotonic() > deadline) return { matches: finder.matches, next_from: finder.next, size };
      if (looked >= TURN_BYTES) {
        looked = 0;
        await new Promise((turn) => setImmediate(turn));
      }
    }
  }
  const isOver = range.to === size && !question.may_grow;
  // A line that is cut by the end of this piece is looked at as a whole in the next one. What was dropped ends a line.
  if (isOver || finder.end !== range.to) finder.finish();
  return { matches: finder.matches, next_from: finder.cut ? finder.next : range.to, size };
}

/** Pieces small enough for one turn, each with its place in the stream: what was dropped is not among the bytes. */
function* splitAtHoles(from: number, bytes: Uint8Array, holes: readonly LogRange[]): Generator<{ from: number; bytes: Uint8Array }> {
  let at = from;
  for (let used = 0; used < bytes.length;) {
    const inside = holes.find((hole) => hole.from <= at && at < hole.to);
    if (inside !== undefined) at = inside.to;
    const next = holes.find((hole) => hole.from > at);
    const length = Math.min(bytes.length - used, TURN_BYTES, next === undefined ? Infinity : next.from - at);
    yield { from: at, bytes: bytes.subarray(used, used + length) };
    at += length;
    used += length;
  }
}

class LineFinder {
  readonly matches: LogMatch[] = [];
  /** Where the first line begins that was not looked at as a whole. */
  next = 0;
  readonly #wanted: string;
  readonly #isPlain: boolean;
  #carried: Uint8Array = new Uint8Array();

  constructor(text: string) {
    this.#wanted = text.toLowerCase();
    // oxlint-disable-next-line no-control-regex -- ASCII is what it asks for
    this.#isPlain = /^[\x00-\x7f]+$/.test(this.#wanted);
  }

  get isFull(): boolean {
    return this.matches.length >= LIMITS.log_search_matches.value;
  }

  get end(): number {
    return this.next + this.#carried.length;
  }

  /** Part of a line is waiting for its end. */
  get cut(): boolean {
    return this.#carried.length > 0;
  }

  take(from: number, bytes: Uint8Array): void {
    if (this.#carried.length > 0 && this.next + this.#carried.length !== from) this.finish();
    if (this.#carried.length === 0) this.next = from;
    const all = this.#carried.length === 0 ? bytes : joined(this.#carried, bytes);
    const last = all.lastIndexOf(NEWLINE);
    const begin = this.next;
    if (last !== -1) this.#lines(begin, all.subarray(0, last));
    // Full: it goes on after the last line that was found.
    if (this.isFull) return;
    this.next = begin + last + 1;
    const rest = all.subarray(last + 1);
    const longest = LIMITS.log_search_line_bytes.value;
    if (rest.length < longest) {
      this.#carried = rest.slice();
      return;
    }
    // So long a line is looked at in parts, which overlap by the text.
    this.#lines(this.next, rest);
    if (this.isFull) return;
    const overlap = Math.min(rest.length, this.#isPlain ? this.#wanted.length - 1 : this.#wanted.length * 4);
    this.next += rest.length - overlap;
    this.#carried = rest.slice(rest.length - overlap);
  }

  /** The line that waits has no more. */
  finish(): void {
    if (this.#carried.length > 0) this.#lines(this.next, this.#carried);
    this.next += this.#carried.length;
    this.#carried = new Uint8Array();
  }

  #lines(from: number, bytes: Uint8Array): void {
    const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#isPlain && !block.includes(ESCAPE) && !block.includes(RETURN)) this.#plainLines(from, block);
    else this.#drawnLines(from, block);
  }

  /** Each byte is a character here, so that places in the text are places in the block. */
  #plainLines(from: number, block: Buffer): void {
    const text = block.toString('latin1').toLowerCase();
    for (let hit = text.indexOf(this.#wanted); hit !== -1;) {
      const start = text.lastIndexOf('\n', hit) + 1;
      const newline = text.indexOf('\n', hit);
      const end = newline === -1 ? block.length : newline;
      const most = LIMITS.log_search_excerpt.value;
      const cut = Math.max(start, Math.min(hit - Math.floor(most / 4), end - most));
      if (!this.#found(from + start, block.toString('utf8', cut, Math.min(end, cut + most)), from + end + 1)) return;
      hit = newline === -1 ? -1 : text.indexOf(this.#wanted, newline);
    }
  }

  #drawnLines(from: number, block: Buffer): void {
    for (let start = 0; start <= block.length;) {
      const newline = block.indexOf(NEWLINE, start);
      const end = newline === -1 ? block.length : newline;
      const line = withoutSteering(lastDrawn(block.toString('utf8', start, end)));
      const hit = line.toLowerCase().indexOf(this.#wanted);
      const most = LIMITS.log_search_excerpt.value;
      const cut = Math.max(0, Math.min(hit - Math.floor(most / 4), line.length - most));
      if (hit !== -1 && !this.#found(from + start, line.slice(cut, cut + most), from + end + 1)) return;
      start = end + 1;
    }
  }

  /** False when it is enough. */
  #found(offset: number, excerpt: string, next: number): boolean {
    this.matches.push({ offset, excerpt });
    if (!this.isFull) return true;
    this.next = next;
    this.#carried = new Uint8Array();
    return false;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
