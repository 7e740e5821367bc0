// Randomness from a seed: the same seed, the same choices.
export interface Random {
  /** 0 ≤ next < 1. */
  next(): number;
  between(least: number, most: number): number;
  whole(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
  shuffled<T>(of: readonly T[]): T[];
}

/** mulberry32: 32 bits of state are plenty for choosing moments. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    between: (least, most) => least + next() * (most - least),
    whole,
    pick: (from) => from[whole(0, from.length - 1)]!,
    shuffled(of) {
      const list = [...of];
      for (let at = list.length - 1; at > 0; at -= 1) {
        const other = whole(0, at);
        [list[at], list[other]] = [list[other]!, list[at]!];
      }
      return list;
    },
  };
}
