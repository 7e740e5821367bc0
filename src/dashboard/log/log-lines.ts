// Bytes of a log as lines: split at newlines, carriage-return progress collapsed, colours carried from line to line, holes told.
import { lastDrawn, withoutSteering } from '../../core/log-text.ts';

export type StreamName = 'stdout' | 'stderr';

export interface LogLine {
  readonly stream: StreamName;
  /** Where the line begins in its stream. */
  readonly offset: number;
  /** Where its text ends: a progress bar that is still drawn belongs to the moment of its last stroke. */
  readonly end: number;
  readonly text: string;
  /** Colour codes of earlier lines that are still in force. */
  readonly colours: string;
  /** Bytes that were dropped here; then there is no text. */
  readonly dropped: number;
}

/** Bytes as they were read: runs with the holes between them. */
export interface ByteRun {
  readonly from: number;
  readonly bytes: Uint8Array;
}

export interface Hole {
  readonly from: number;
  readonly to: number;
}

const NEWLINE = 0x0a;

/** A reply's body cut where bytes were dropped; `end` is where the next read begins. */
export function runsOf(from: number, body: Uint8Array, holes: readonly Hole[]): { runs: ByteRun[]; end: number } {
  const runs: ByteRun[] = [];
  let at = from;
  let used = 0;
  for (const hole of [...holes].sort((a, b) => a.from - b.from)) {
    if (hole.to <= at) continue;
    const length = Math.min(body.length - used, Math.max(0, hole.from - at));
    if (length > 0) runs.push({ from: at, bytes: body.subarray(used, used + length) });
    at += length;
    used += length;
    if (at < hole.from) return { runs, end: at };
    at = Math.max(at, hole.to);
  }
  if (used < body.length) runs.push({ from: at, bytes: body.subarray(used) });
  return { runs, end: at + body.length - used };
}

export interface SplitBytes {
  readonly lines: LogLine[];
  /** Bytes after the last newline. */
  readonly rest: ByteRun;
  readonly colours: string;
}

const decoder = new TextDecoder();

export function splitRun(stream: StreamName, run: ByteRun, colours: string): SplitBytes {
  const lines: LogLine[] = [];
  let start = 0;
  let active = colours;
  for (let end = run.bytes.indexOf(NEWLINE); end !== -1; end = run.bytes.indexOf(NEWLINE, start)) {
    const line = lineOf(stream, { from: run.from + start, bytes: run.bytes.subarray(start, end) }, active);
    lines.push(line);
    active = coloursAfter(line);
    start = end + 1;
  }
  return { lines, rest: { from: run.from + start, bytes: run.bytes.subarray(start) }, colours: active };
}

export function lineOf(stream: StreamName, run: ByteRun, colours: string): LogLine {
  return { stream, offset: run.from, end: run.from + run.bytes.length, text: lastDrawn(decoder.decode(run.bytes)), colours, dropped: 0 };
}

export function holeLine(stream: StreamName, from: number, to: number): LogLine {
  return { stream, offset: from, end: to, text: '', colours: '', dropped: to - from };
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const COLOUR = /\u001b\[([0-9;]*)m/g;

export function coloursAfter(line: LogLine): string {
  let active = line.colours;
  for (const match of line.text.matchAll(COLOUR)) active = match[1] === '' || match[1] === '0' ? '' : active + match[0];
  return active;
}

export function plainLine(line: LogLine): string {
  return withoutSteering(line.text);
}

export function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
