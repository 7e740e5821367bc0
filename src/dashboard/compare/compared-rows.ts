// The rows of the compare table: what each job was given, and what it measured.
import type { JobShape } from '../../contract/index.ts';
import { plainText } from '../../core/params.ts';

export interface ComparedRow {
  readonly name: string;
  /** One for each job; null where it does not have it. */
  readonly texts: readonly (string | null)[];
  readonly differs: boolean;
}

/** Params in the order in which the jobs name them. */
export function paramRows(jobs: readonly JobShape[]): ComparedRow[] {
  const names = new Set(jobs.flatMap(({ params }) => Object.keys(params)));
  return [...names].map((name) =>
    row(
      name,
      jobs.map(({ params }) => (Object.hasOwn(params, name) ? plainText(params[name] as never) : null)),
    ),
  );
}

export function settingRows(jobs: readonly JobShape[]): ComparedRow[] {
  const rows = [
    row(
      'command',
      jobs.map(({ command }) => command ?? 'script of the worker'),
    ),
    row(
      'class',
      jobs.map(({ machine_class }) => machine_class),
    ),
    row(
      'tags',
      jobs.map(({ tags }) => (tags.length === 0 ? null : tags.join(', '))),
    ),
  ];
  return rows.filter(({ texts }) => texts.some((text) => text !== null));
}

function row(name: string, texts: readonly (string | null)[]): ComparedRow {
  return { name, texts, differs: texts.some((text) => text !== texts[0]) };
}
