// The rising number of syncs. It must rise over restarts too, so it is reserved on disk in blocks and not at each sync.
export interface Sequence {
  next(): number;
  skip(): void;
}

const BLOCK = 1_000;

/** `reserved`: every number up to it may have been used. `reserve` keeps a new bound before any number below it is used. */
export function createSequence(reserved: number, reserve: (bound: number) => void): Sequence {
  let last = reserved;
  let bound = reserved;

  function advance(to: number): number {
    if (to > bound) {
      bound = to + BLOCK;
      reserve(bound);
    }
    last = to;
    return to;
  }

  return {
    next: () => advance(last + 1),
    skip: () => void advance(last + BLOCK),
  };
}
