// How much time has really passed since a stored moment: the clock that the moment was taken from may have been set since then.

/** A stretch in which the wall clock went as the monotonic one does. Milliseconds of both. */
interface Stretch {
  readonly wall: number;
  readonly monotonic: number;
  wall_end: number;
}

const TOLERANCE_MS = 1_000;
/** A clock that is set more often than this is not one. */
const MOST_STRETCHES = 100;

export class PassedTime {
  #stretches: Stretch[] = [];
  #now = 0;

  /** To be told again and again: a jump is a difference from one time to the next. */
  saw(wall: number, monotonic: number): void {
    const last = this.#stretches.at(-1);
    this.#now = monotonic;
    if (last !== undefined && Math.abs(wall - last.wall - (monotonic - last.monotonic)) <= TOLERANCE_MS) last.wall_end = wall;
    else this.#stretches = [...this.#stretches.slice(1 - MOST_STRETCHES), { wall, monotonic, wall_end: wall }];
  }

  /** Milliseconds from a moment until what was seen last. What was before the first sight is measured by the clock as it was then. */
  since(moment: number): number {
    const within = this.#stretches.findLast(({ wall, wall_end }) => wall <= moment && moment <= wall_end);
    // Another server may have stored it when this one did not look.
    const stretch =
      within ?? this.#stretches.findLast(({ wall }, index) => wall <= moment && moment < (this.#stretches[index + 1]?.wall ?? wall)) ?? this.#stretches[0];
    return stretch === undefined ? Infinity : this.#now - stretch.monotonic + (stretch.wall - moment);
  }

  /** No moment that is stored with an earlier time is less than so many milliseconds ago. */
  earliest(ago: number): number {
    const begin = this.#now - ago;
    const within = this.#stretches.filter((_stretch, index) => (this.#stretches[index + 1]?.monotonic ?? Infinity) > begin);
    return Math.min(...within.map(({ wall, monotonic }, index) => (index === 0 ? wall + begin - monotonic : wall)));
  }
}
