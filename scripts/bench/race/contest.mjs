// Who takes part is measured in turn, round after round, so that a noisy minute hits all of them; afterwards everybody gets a line, with
// the ratio to the bare limit and, for Drover, to the best peer.
import { line } from '../figures.mjs';

/**
 * Contestants are `{ id, group, title, unit, who, durable, base, limit, rivals, figures, open }`:
 * - `who`: drover, peer or bare; `durable`: what it recorded survives a crash of the machine;
 * - `base`: the id of the bare limit that it is compared with; `rivals`: which peers Drover wants to be ahead of, `durable` ones or `all`;
 * - `open()`: gets it ready and gives `measure(jobs)`, or `{ missing }`: what must be installed first;
 * - `figures`: how rounds become lines; by default their median.
 */
export async function contest(contestants, { rounds, selected, emit, leaveOut }) {
  const present = [];
  for (const one of contestants.filter(({ id }) => selected(id))) {
    const opened = await one.open();
    if (opened.missing === undefined) present.push({ ...one, measure: opened.measure, values: [] });
    else leaveOut({ id: one.id, title: one.title, reason: opened.missing });
  }
  for (const one of present) await one.measure();
  for (let round = 0; round < rounds; round += 1) {
    // Somebody else begins each round: nobody always comes after the same neighbour's disk writes.
    for (const one of rotated(present, round)) one.values.push(await one.measure());
  }
  for (const one of linesOf(present)) emit(one);
}

function rotated(list, by) {
  const from = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(from), ...list.slice(0, from)];
}

const MEDIAN = [{ suffix: '', rounds: (values) => values }];

export function linesOf(present) {
  const lines = present.flatMap((one) =>
    (one.figures ?? MEDIAN).map(({ suffix, rounds, value }) => ({
      ...line(`${one.id}${suffix}`, `${one.title}${suffix === '' ? '' : `, ${suffix.slice(1)}`}`, one.unit, {
        rounds: rounds(one.values),
        ...(value === undefined ? {} : { value: value(one.values) }),
      }),
      ...{
        group: `${one.group}${suffix}`,
        who: one.who,
        durable: one.durable,
        base: one.base ?? null,
        rivals: one.rivals ?? 'durable',
        limit: one.limit ?? '',
      },
    })),
  );
  return lines.map((one) => ({
    ...one,
    against: comparison(one, byId(lines, one.base)),
    rival: one.who === 'drover' ? comparison(one, bestRival(one, lines)) : null,
  }));
}

const byId = (lines, id) => lines.find((one) => one.id === id) ?? null;

/** Times want to be small, everything else large. */
export const isBetter = (unit, a, b) => (unit === 'ms' ? a < b : a > b);

function bestRival(ours, lines) {
  const rivals = lines.filter(({ group, who, durable }) => group === ours.group && who === 'peer' && (durable || ours.rivals === 'all'));
  return rivals.reduce((best, one) => (best === null || isBetter(one.unit, one.value, best.value) ? one : best), null);
}

function comparison(ours, other) {
  return other === null ? null : { id: other.id, title: other.title, value: other.value, ratio: ours.value / other.value };
}
