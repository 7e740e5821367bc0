// Copies what jobs print, line by line, into the logs of their workers. The whole output goes to the server by other ways; here a job that
// floods its output costs a bounded piece per second, and what was left out is said.
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

import { LIMITS } from '../core/limits.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Attempt } from './attempt-life.ts';
import { plainFile, readPlainPiece } from './plain-file.ts';
import { maskPiece } from './secret-mask.ts';

export type PrintLine = (slot: number, stream: 'stdout' | 'stderr', line: string) => void;

export interface JobOutput {
  /** An attempt of before: what it has printed so far was copied then. */
  skip(attempt: Attempt): void;
  follow(attempt: Attempt): void;
  /** Copies what is left, now: its files may be used again. */
  finish(attempt: Attempt): void;
}

const PERIOD_MS = 1_000;
const STREAMS = ['stdout', 'stderr'] as const;

interface Reading {
  at: number;
  /** Where the file ended at the last look. */
  seen: number;
  /** A line that has no end yet. */
  rest: string;
  readonly decoder: StringDecoder;
}

type Readings = Record<(typeof STREAMS)[number], Reading>;

export function createJobOutput(clock: Clock, print: PrintLine): JobOutput {
  const followed = new Map<Attempt, Readings>();
  let timer: Timer | null = null;

  function copyAll(): void {
    for (const [attempt, readings] of followed) copy(attempt, readings);
    timer = followed.size === 0 ? null : clock.after(PERIOD_MS, copyAll);
  }

  function copy(attempt: Attempt, readings: Readings): void {
    for (const stream of STREAMS) copyStream(attempt, stream, readings[stream]);
  }

  function copyStream(attempt: Attempt, stream: (typeof STREAMS)[number], reading: Reading): void {
    const { directory, slot } = attempt;
    if (directory === null) return;
    const path = join(directory, stream);
    const size = plainFile(path)?.size ?? 0;
    const most = LIMITS.worker_log_piece_bytes.value;
    if (size - reading.at > most) {
      print(slot, stream, `… ${size - most - reading.at} bytes are left out here; the dashboard and \`drover job log\` have them`);
      reading.at = size - most;
    }
    if (size <= reading.at) return;
    const bytes = readMasked(attempt, path, { from: reading.at, to: size, isQuiet: size === reading.seen });
    reading.seen = size;
    if (bytes === null) return;
    reading.at += bytes.length;
    const lines = (reading.rest + reading.decoder.write(bytes)).split('\n');
    reading.rest = (lines.pop() ?? '').slice(-LIMITS.worker_log_line_characters.value);
    for (const line of lines) print(slot, stream, shown(line));
  }

  return {
    skip(attempt) {
      const sizeOf = (stream: (typeof STREAMS)[number]): number => (attempt.directory === null ? 0 : (plainFile(join(attempt.directory, stream))?.size ?? 0));
      followed.set(attempt, { stdout: newReading(sizeOf('stdout')), stderr: newReading(sizeOf('stderr')) });
    },
    follow(attempt) {
      if (!followed.has(attempt)) followed.set(attempt, { stdout: newReading(0), stderr: newReading(0) });
      timer ??= clock.after(PERIOD_MS, copyAll);
    },
    finish(attempt) {
      const readings = followed.get(attempt);
      if (readings === undefined) return;
      copy(attempt, readings);
      for (const stream of STREAMS) if (readings[stream].rest !== '') print(attempt.slot, stream, shown(readings[stream].rest));
      followed.delete(attempt);
    },
  };
}

/** Without the end that may be the beginning of a secret, unless nothing was added to it since the last look. */
function readMasked({ mask, phase }: Attempt, path: string, { from, to, isQuiet }: { from: number; to: number; isQuiet: boolean }): Buffer | null {
  const before = Math.min(mask?.longest ?? 0, from);
  const bytes = readPlainPiece(path, { from: from - before, length: before + to - from });
  if (bytes === null || mask === null) return bytes;
  return maskPiece(mask, { bytes, before, wanted: to - from, is_end: isQuiet || phase === 'ended' });
}

function newReading(at: number): Reading {
  return { at, seen: at, rest: '', decoder: new StringDecoder('utf8') };
}

/** Of a line that was drawn over again and again, as progress bars do, what stood there last. */
function shown(line: string): string {
  const last = line.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  const most = LIMITS.worker_log_line_characters.value;
  return last.length > most ? `${last.slice(0, most)}…` : last;
}
