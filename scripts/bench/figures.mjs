// Numbers of a benchmark: medians, percentiles, and the lines that a report is made of.

export function median(values) {
  return percentile(values, 50);
}

/** Between two neighbours the value is interpolated, so that the median of an even count is the middle of both. */
export function percentile(values, percent) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/**
 * One line of the report. `rounds` are the values of the rounds; `against` is what was measured in the same run and gives the ratio;
 * `aim` is what the project wants: `{ least: 15_000 }` or `{ below: 10 }`.
 */
export function line(id, title, unit, { rounds, value = median(rounds), against = null, aim = null, note = null }) {
  return {
    ...{ id, title, unit, value, rounds },
    ...{ low: Math.min(...rounds), high: Math.max(...rounds) },
    against: against === null ? null : { id: against.id, title: against.title, value: against.value, ratio: value / against.value },
    aim: aim === null ? null : { ...aim, reached: aim.least === undefined ? value < aim.below : value >= aim.least },
    note,
  };
}

/** Runs a round several times; what came before the first is not measured. */
export async function rounds(count, round) {
  const values = [];
  for (let at = 0; at < count; at += 1) values.push(await round(at));
  return values;
}

/** Calls `work` again and again for a time; the reply is calls per second. `work` may return how many calls it stood for. */
export async function perSecond(milliseconds, work) {
  const started = performance.now();
  let calls = 0;
  let elapsed = 0;
  while (elapsed < milliseconds) {
    calls += (await work()) ?? 1;
    elapsed = performance.now() - started;
  }
  return (calls * 1000) / elapsed;
}
