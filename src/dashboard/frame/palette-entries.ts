// What the command palette offers for what was typed: the keys of the page, experiments, a job by its number, a search.
import type { Shortcut } from './shortcuts.tsx';

export type Target =
  | { readonly kind: 'shortcut'; readonly shortcut: Shortcut }
  | { readonly kind: 'experiment'; readonly experiment: string }
  | { readonly kind: 'job'; readonly experiment: string; readonly number: number }
  | { readonly kind: 'search'; readonly experiment: string; readonly text: string };

export interface Entry {
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly target: Target;
}

export interface EntryGroup {
  readonly group: 'Job' | 'Here' | 'Experiments' | 'Search';
  readonly entries: readonly Entry[];
}

export interface PaletteFacts {
  readonly query: string;
  /** The experiment of the page. */
  readonly experiment: string | null;
  readonly experiments: readonly { readonly name: string; readonly description: string }[];
  readonly shortcuts: readonly Shortcut[];
}

/** More would not be read: one goes on typing. */
const MOST_EXPERIMENTS = 12;

export function paletteEntries({ query, experiment, experiments, shortcuts }: PaletteFacts): EntryGroup[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (...texts: readonly string[]): boolean => words.every((word) => texts.some((text) => text.toLowerCase().includes(word)));
  const here = shortcuts
    .filter(({ label }) => fits(label))
    .map((shortcut): Entry => ({ id: `key ${shortcut.keys}`, label: shortcut.label, target: { kind: 'shortcut', shortcut } }));
  const found = experiments.filter(({ name, description }) => name !== experiment && fits(name, description)).slice(0, MOST_EXPERIMENTS);
  const others = found.map(({ name, description }): Entry => ({
    id: `experiment ${name}`,
    label: name,
    ...(description === '' ? {} : { description }),
    target: { kind: 'experiment', experiment: name },
  }));
  const groups: EntryGroup[] = [
    { group: 'Job', entries: jobEntries(query.trim(), experiment, experiments) },
    { group: 'Here', entries: here },
    { group: 'Experiments', entries: others },
    { group: 'Search', entries: searchEntries(query.trim(), experiment) },
  ];
  return groups.filter(({ entries }) => entries.length > 0);
}

/** `42` and `#42` name a job of this experiment, `tune/42` one of any. */
function jobEntries(text: string, experiment: string | null, experiments: PaletteFacts['experiments']): Entry[] {
  const named = /^(?:([a-z][a-z0-9-]*)\/|#)?([1-9]\d{0,14})$/.exec(text);
  const of = named?.[1] ?? experiment;
  if (named === null || of === null || (named[1] !== undefined && !experiments.some(({ name }) => name === of))) return [];
  const number = Number(named[2]);
  return [{ id: 'job', label: `Open ${of}/${number}`, target: { kind: 'job', experiment: of, number } }];
}

function searchEntries(text: string, experiment: string | null): Entry[] {
  if (text === '' || experiment === null) return [];
  const description = `in ${experiment}: ids, params as lr=0.01, workers, error texts`;
  return [{ id: 'search', label: `Search jobs for “${text}”`, description, target: { kind: 'search', experiment, text } }];
}
