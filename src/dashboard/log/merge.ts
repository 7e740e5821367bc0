// stdout and stderr as one text, in the order in which their pieces arrived.
import type { LogLine, StreamName } from './log-lines.ts';

export interface Piece {
  readonly stream: StreamName;
  readonly offset: number;
  readonly length: number;
  readonly at: string;
}

/** When the piece that holds this offset arrived, in milliseconds; null when the index does not know. */
export type TimeOf = (stream: StreamName, offset: number) => number | null;

export function timesOf(pieces: readonly Piece[]): TimeOf {
  const by: Record<StreamName, { offset: number; at: number }[]> = { stdout: [], stderr: [] };
  for (const piece of pieces) by[piece.stream].push({ offset: piece.offset, at: Date.parse(piece.at) });
  for (const list of Object.values(by)) list.sort((a, b) => a.offset - b.offset);
  return (stream, offset) => {
    const list = by[stream];
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle]!.offset <= offset) low = middle + 1;
      else high = middle;
    }
    return list[low - 1]?.at ?? null;
  };
}

/** Both lists are in order already; of two lines with the same time, stdout comes first. */
export function mergeLines(stdout: readonly LogLine[], stderr: readonly LogLine[], timeOf: TimeOf): readonly LogLine[] {
  if (stderr.length === 0) return stdout;
  if (stdout.length === 0) return stderr;
  const merged: LogLine[] = [];
  let a = 0;
  let b = 0;
  while (a < stdout.length && b < stderr.length) {
    const left = timeOf('stdout', lastByte(stdout[a]!)) ?? 0;
    const right = timeOf('stderr', lastByte(stderr[b]!)) ?? 0;
    merged.push(left <= right ? stdout[a++]! : stderr[b++]!);
  }
  while (a < stdout.length) merged.push(stdout[a++]!);
  while (b < stderr.length) merged.push(stderr[b++]!);
  return merged;
}

/** A line belongs to the moment at which it was complete. */
function lastByte(line: LogLine): number {
  return Math.max(line.offset, line.end - 1);
}

/** The same for places of lines. */
export function mergePlaces<Place extends { readonly stream: StreamName; readonly offset: number }>(
  stdout: readonly Place[],
  stderr: readonly Place[],
  timeOf: TimeOf,
): readonly Place[] {
  if (stderr.length === 0) return stdout;
  if (stdout.length === 0) return stderr;
  const timed = (place: Place) => ({ place, at: timeOf(place.stream, place.offset) ?? 0 });
  // The sort is stable: within a stream the order of its offsets stays, where times are in order.
  return [...stdout.map(timed), ...stderr.map(timed)].sort((a, b) => a.at - b.at).map(({ place }) => place);
}
