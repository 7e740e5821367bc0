// What the matrices page keeps in its URL, read back with care: people edit URLs by hand.
export interface HeatChoice {
  /** Params on the axes. */
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  /** The metric that colours; none: the status does. */
  readonly by?: string | undefined;
}

export interface MatricesSearch extends HeatChoice {
  /** Only matrices with a smaller id: where the page begins. */
  readonly before?: number;
  /** The matrix that is shown as a heat map. */
  readonly map?: number;
}

export function readMatricesSearch(raw: Record<string, unknown>): MatricesSearch {
  const number = (name: string): number | null => {
    const value = Number(raw[name]);
    return Number.isSafeInteger(value) && value > 0 ? value : null;
  };
  const text = (name: string): string | null => (raw[name] === undefined || raw[name] === '' ? null : String(raw[name] as string).slice(0, 200));
  const before = number('before');
  const map = number('map');
  const named = map === null ? [] : (['x', 'y', 'by'] as const).flatMap((name) => (text(name) === null ? [] : [[name, text(name)!]]));
  return { ...(before === null ? {} : { before }), ...(map === null ? {} : { map }), ...(Object.fromEntries(named) as HeatChoice) };
}
