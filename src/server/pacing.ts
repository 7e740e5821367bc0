// Long work in pieces, each a commit of its own, so that whoever else writes waits for one piece at most.
import type { Clock } from '../runtime/clock.ts';

/** What one piece may take, waiting for others included. */
const TARGET_MS = 30;

export interface Pace {
  /** Rows per piece, at least and at most. */
  readonly least: number;
  readonly most: number;
}

/** Calls `piece` with a number of rows until it says that nothing is left; the number follows from what pieces cost. */
export async function inPieces(clock: Clock, { least, most }: Pace, piece: (rows: number) => Promise<boolean>): Promise<void> {
  for (let rows = least, more = true; more;) {
    const began = clock.monotonic();
    more = await piece(rows);
    const taken = clock.monotonic() - began;
    if (taken < TARGET_MS / 2) rows = Math.min(most, rows * 2);
    else if (taken > TARGET_MS) rows = Math.max(least, Math.floor(rows / 2));
    // Requests that arrived meanwhile are heard first.
    if (more) await clock.sleep(0);
  }
}
