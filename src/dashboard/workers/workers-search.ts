// What the workers page keeps in its URL, read back with care: people edit URLs by hand.

export const DETAIL_VIEWS = ['info', 'history', 'metrics'] as const;
export type DetailView = (typeof DETAIL_VIEWS)[number];

/** Stretches of time of the charts of a machine, in hours. */
export const RANGES = { '1h': 1, '6h': 6, '24h': 24, '7d': 168, '30d': 720 } as const;
export type Range = keyof typeof RANGES;

/** Left out: the default. */
export interface WorkersSearch {
  readonly state?: 'disabled';
  readonly host?: string;
  readonly instance?: string;
  readonly slot?: string;
  readonly search?: string;
  /** The first page is 1. */
  readonly page?: number;
  /** The worker whose details are open. */
  readonly worker?: string;
  readonly view?: Exclude<DetailView, 'info'>;
  readonly range?: Exclude<Range, '1h'>;
}

export type WorkersChange = { readonly [Name in keyof WorkersSearch]?: WorkersSearch[Name] | undefined };

const LONGEST = 200;

export function readWorkersSearch(raw: Record<string, unknown>): WorkersSearch {
  const text = (name: keyof WorkersSearch): Record<string, string> => {
    const value = raw[name];
    const known = typeof value === 'number' ? String(value) : value;
    return typeof known === 'string' && known !== '' && known.length <= LONGEST ? { [name]: known } : {};
  };
  const view = DETAIL_VIEWS.find((each) => each === raw['view']);
  const range = (Object.keys(RANGES) as Range[]).find((each) => each === raw['range']);
  const page = Number(raw['page']);
  return {
    ...(raw['state'] === 'disabled' ? { state: 'disabled' as const } : {}),
    ...text('host'),
    ...text('instance'),
    ...text('slot'),
    ...text('search'),
    ...(Number.isInteger(page) && page > 1 && page < 1_000_000 ? { page } : {}),
    ...text('worker'),
    ...(view === undefined || view === 'info' ? {} : { view }),
    ...(range === undefined || range === '1h' ? {} : { range }),
  };
}

/** What is about other workers than before begins at their first page; a narrower filter forgets what it no longer holds. */
export function withChange(search: WorkersSearch, change: WorkersChange): WorkersSearch {
  const narrows = 'state' in change || 'host' in change || 'instance' in change || 'slot' in change || 'search' in change;
  const fresh: WorkersChange = {
    ...(narrows ? { page: undefined } : {}),
    ...('host' in change ? { instance: undefined, slot: undefined } : {}),
    ...('instance' in change ? { slot: undefined } : {}),
  };
  return readWorkersSearch({ ...search, ...fresh, ...change });
}
