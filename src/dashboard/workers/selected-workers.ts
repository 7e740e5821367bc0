// Which workers are selected: by id, across pages, with Shift a whole stretch of the list.

export interface SelectedWorkers {
  readonly ids: ReadonlySet<string>;
  /** The one that was toggled last. */
  readonly last: string | null;
}

export const NOBODY: SelectedWorkers = { ids: new Set(), last: null };

export interface Toggled {
  readonly id: string;
  /** Ids of all that are listed, in order. */
  readonly list: readonly string[];
  /** Whether all since the last one that was toggled are meant too. */
  readonly through: boolean;
}

export function toggled({ ids, last }: SelectedWorkers, { id, list, through }: Toggled): SelectedWorkers {
  const on = !ids.has(id);
  const [from, to] = [list.indexOf(last ?? id), list.indexOf(id)];
  const meant = through && from >= 0 && to >= 0 ? list.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
  return { ids: changed(ids, meant, on), last: id };
}

/** All of these, or none of them when all were selected. */
export function allToggled({ ids }: SelectedWorkers, meant: readonly string[]): SelectedWorkers {
  return { ids: changed(ids, meant, !meant.every((id) => ids.has(id))), last: null };
}

function changed(ids: ReadonlySet<string>, meant: readonly string[], on: boolean): ReadonlySet<string> {
  const next = new Set(ids);
  for (const id of meant) {
    if (on) next.add(id);
    else next.delete(id);
  }
  return next;
}

/** Those that are still there. */
export function present({ ids, last }: SelectedWorkers, known: readonly string[]): SelectedWorkers {
  const left = known.filter((id) => ids.has(id));
  return left.length === ids.size ? { ids, last } : { ids: new Set(left), last };
}
