// Thins a series for a chart: first and last stay, and of each stretch its least and greatest. Points are pushed one by one, so
// that a long series never has to be in memory; only its length must be known.

export interface Thinnable {
  /** Null when it is not a finite number. */
  readonly value: number | null;
}

export interface Thinner<P extends Thinnable> {
  push(point: P): void;
  finish(): P[];
}

/** `total` points will be pushed; at most `limit` (4 or more) come out. */
export function createThinner<P extends Thinnable>(total: number, limit: number): Thinner<P> {
  const kept: P[] = [];
  if (total <= limit) return { push: (point) => void kept.push(point), finish: () => kept };
  const inner = total - 2;
  const buckets = Math.floor((limit - 2) / 2);
  let index = 0;
  let stretch = 0;
  let extremes: Extremes<P> | null = null;
  let last: P | null = null;

  return {
    push(point) {
      if (index === 0) kept.push(point);
      else {
        if (last !== null) {
          const here = Math.floor(((index - 2) * buckets) / inner);
          if (here !== stretch) close();
          stretch = here;
          extremes = widen(extremes, last);
        }
        last = point;
      }
      index += 1;
    },
    finish() {
      close();
      if (last !== null) kept.push(last);
      last = null;
      return kept;
    },
  };

  function close(): void {
    if (extremes === null) return;
    const { least, greatest } = extremes;
    if (least === greatest) kept.push(least.point);
    else if (least.order < greatest.order) kept.push(least.point, greatest.point);
    else kept.push(greatest.point, least.point);
    extremes = null;
  }
}

export function downsample<P extends Thinnable>(points: readonly P[], limit: number): P[] {
  const thinner = createThinner<P>(points.length, limit);
  for (const point of points) thinner.push(point);
  return thinner.finish();
}

interface Seen<P> {
  readonly point: P;
  readonly order: number;
}

interface Extremes<P> {
  readonly least: Seen<P>;
  readonly greatest: Seen<P>;
  readonly count: number;
}

/** A stretch without any finite value keeps its first point, so that the gap shows. */
function widen<P extends Thinnable>(extremes: Extremes<P> | null, point: P): Extremes<P> {
  const seen = { point, order: extremes?.count ?? 0 };
  if (extremes === null) return { least: seen, greatest: seen, count: 1 };
  const { least, greatest, count } = extremes;
  if (point.value === null) return { least, greatest, count: count + 1 };
  if (least.point.value === null || greatest.point.value === null) return { least: seen, greatest: seen, count: count + 1 };
  return {
    least: point.value < least.point.value ? seen : least,
    greatest: point.value > greatest.point.value ? seen : greatest,
    count: count + 1,
  };
}
