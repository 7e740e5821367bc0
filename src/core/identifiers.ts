// The shapes of names and references that people type and that travel between processes.

/** An experiment's name: also a directory name and part of URLs. */
export const EXPERIMENT_NAME = /^[a-z][a-z0-9-]{1,46}$/;

/** A class of machines, e.g. `gpu-a100`. */
export const CLASS_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** A machine: a host name or address with an optional port; never begins with `-`, so it cannot be read as a flag. */
export const MACHINE_NAME = /^[A-Za-z0-9_[][A-Za-z0-9._:@[\]-]{0,253}$/;

/** Slots of driven machines begin here: those below are the agent's own workers. */
export const FIRST_DRIVEN_SLOT = 5_000;
export const LAST_SLOT = 9_999;

export function isDriven(slot: number): boolean {
  return slot >= FIRST_DRIVEN_SLOT;
}

/** A param's name. It becomes `--name`, `{name}` and a column title. */
export const PARAM_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;

/** `{host}_{instance}_{slot}`, e.g. `gpunode_egg_0`. */
export const WORKER_ID = /^([a-z0-9]{1,12})_([a-z0-9]{1,12})_(\d{1,4})$/;

/** Each id of a worker within a text. */
export const WORKER_ID_IN_TEXT = /(?<![A-Za-z0-9_])[a-z0-9]{1,12}_[a-z0-9]{1,12}_\d{1,4}(?![A-Za-z0-9_])/g;

export interface JobReference {
  readonly experiment: string;
  readonly number: number;
}

/** Reads `digits-tune/42`. */
export function parseJobReference(text: string): JobReference | null {
  const match = /^([a-z][a-z0-9-]{1,46})\/(\d{1,15})$/.exec(text);
  if (match === null) return null;
  const number = Number(match[2]);
  return number >= 1 ? { experiment: match[1]!, number } : null;
}

export function formatJobReference(experiment: string, number: number): string {
  return `${experiment}/${number}`;
}

/** The host part of a worker id: lower-case letters and digits of the first label of the host name. */
export function hostSlug(hostname: string): string {
  const first = hostname.split('.')[0] ?? '';
  const slug = first
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 12);
  return slug === '' ? 'host' : slug;
}

export function workerId(host: string, instance: string, slot: number): string {
  return `${host}_${instance}_${slot}`;
}

export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** Reads `3`, `1-5` and `1-5,8,10-12`; null when the text is anything else. */
export function parseRanges(text: string): NumberRange[] | null {
  const ranges: NumberRange[] = [];
  for (const part of text.split(',')) {
    const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part.trim());
    if (match === null) return null;
    const from = Number(match[1]);
    const to = match[2] === undefined ? from : Number(match[2]);
    if (from < 1 || to < from) return null;
    ranges.push({ from, to });
  }
  return ranges;
}

/** The shortest list of ranges that holds exactly these numbers, ascending: how events name sets of jobs. */
export function toRanges(numbers: Iterable<number>): NumberRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number <= last.to + 1) last.to = Math.max(last.to, number);
    else ranges.push({ from: number, to: number });
  }
  return ranges;
}

/** The same numbers, ascending and without overlap: nothing is done or counted twice. */
export function mergeRanges(ranges: readonly NumberRange[]): NumberRange[] {
  const merged: { from: number; to: number }[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  return merged;
}

export function formatRanges(ranges: readonly NumberRange[]): string {
  return ranges.map((range) => (range.from === range.to ? `${range.from}` : `${range.from}-${range.to}`)).join(',');
}
