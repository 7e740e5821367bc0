// How sure a mean of few values is: its 95 % confidence interval by Student's t, as papers report it.

/** t for two-sided 95 % at 1 to 30 degrees of freedom. */
const T_95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069,
  2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const;
const NORMAL_95 = 1.959964;

export function studentT95(degreesOfFreedom: number): number {
  const known = T_95[degreesOfFreedom - 1];
  if (known !== undefined) return known;
  // The first terms of the Cornish-Fisher expansion: good to three digits beyond 30.
  const z = NORMAL_95;
  const n = degreesOfFreedom;
  return z + (z ** 3 + z) / (4 * n) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * n ** 2);
}

export interface Spread {
  readonly count: number;
  /** Sum of the squared distances from the mean. */
  readonly squares: number;
}

export interface Confidence {
  readonly deviation: number;
  /** Half the width of the interval around the mean. */
  readonly margin: number;
}

/** Null for fewer than two values: one value says nothing about the spread. */
export function confidence95({ count, squares }: Spread): Confidence | null {
  if (count < 2) return null;
  const deviation = Math.sqrt(Math.max(0, squares) / (count - 1));
  return { deviation, margin: (studentT95(count - 1) * deviation) / Math.sqrt(count) };
}
