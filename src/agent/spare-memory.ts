// Gives back memory that work has left behind: what an agent shipped is garbage, but V8 may keep it, and the pages that it lay in, for hours
// when nothing more is allocated. After 400 jobs with 40 MB of output an agent kept up to 165 MB without this, and keeps 75 to 82 MB with it.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import type { Clock, Timer } from '../runtime/clock.ts';

export interface SpareMemory {
  /** Something happened, or nothing did: cheap enough to be called always. */
  note(): void;
  stop(): void;
}

export interface SpareMemoryParts {
  readonly clock: Clock;
  /** There are attempts that are not over. */
  readonly isBusy: () => boolean;
  readonly giveBack: () => void;
}

/** So long nothing may have happened: between jobs that follow one another it would only cost time. */
const QUIET_MS = 5_000;
/** While jobs run that say nothing, or ends wait for a server that is away. */
const QUIET_ROUNDS_WHEN_BUSY = 12;
/** The first time, what was held weakly lets go; then the pages around it can go. */
const TIMES = 2;

export function createSpareMemory({ clock, isBusy, giveBack }: SpareMemoryParts): SpareMemory {
  let happened = false;
  let left = TIMES;
  let quiet = 0;
  let timer: Timer | null = null;
  let stopped = false;

  function arm(): void {
    timer = clock.after(QUIET_MS, () => {
      timer = null;
      quiet = happened ? 0 : quiet + 1;
      happened = false;
      if (quiet >= (isBusy() ? QUIET_ROUNDS_WHEN_BUSY : 1)) {
        giveBack();
        left -= 1;
      }
      if (left > 0) arm();
    });
  }

  // Reading the program has left some behind, too.
  arm();
  return {
    note() {
      happened = true;
      if (stopped || !isBusy()) return;
      left = TIMES;
      if (timer === null) arm();
    },
    stop() {
      stopped = true;
      timer?.cancel();
      timer = null;
    },
  };
}

type Collect = (options: { readonly type: 'major'; readonly execution: 'async' }) => Promise<void>;

let collect: Collect | null = null;

/** Takes about 15 ms of an agent that has nothing to do. Where a build of Node has no such thing, nothing is given back. */
export function collectGarbage(): void {
  collect ??= findCollect();
  // As a task of its own: a collection that is called finds what lies on the stack, and keeps half of it.
  Promise.resolve(collect({ type: 'major', execution: 'async' })).catch(() => undefined);
}

function findCollect(): Collect {
  try {
    setFlagsFromString('--expose-gc');
    return runInNewContext('gc') as Collect;
  } catch {
    return () => Promise.resolve();
  }
}
