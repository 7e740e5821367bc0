// What a page remembers of one experiment in this browser. Where storage is refused (some private windows, some policies) it is remembered
// until the page is loaded anew.

const refused = new Map<string, string>();
/** Experiments of which something is remembered; the oldest is forgotten first. */
const MAX_EXPERIMENTS = 200;

type Stored = Readonly<Record<string, unknown>>;

/** What was last remembered under this name; undefined if nothing. Anything may stand there: people and other versions write it too. */
export function recall(name: string, experiment: string): unknown {
  const all = read(name);
  return Object.hasOwn(all, experiment) ? all[experiment] : undefined;
}

/** Undefined forgets. */
export function remember(name: string, experiment: string, value: unknown): void {
  const { [experiment]: _before, ...others } = read(name);
  const entries = Object.entries(others).slice(-(MAX_EXPERIMENTS - 1));
  const text = JSON.stringify(Object.fromEntries(value === undefined ? entries : [...entries, [experiment, value]]));
  try {
    localStorage.setItem(keyOf(name), text);
    refused.delete(name);
  } catch {
    refused.set(name, text);
  }
}

function keyOf(name: string): string {
  return `drover.${name}`;
}

function read(name: string): Stored {
  try {
    const value = JSON.parse(refused.get(name) ?? localStorage.getItem(keyOf(name)) ?? '{}') as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Stored) : {};
  } catch {
    return {};
  }
}
