// Which fault strikes what, when and for how long: decided from the seed alone, before anything runs.
import type { Random } from './random.ts';

export const FAULT_KINDS = {
  'kill server': { on: 'server', most: 1 / 3 },
  'restart server': { on: 'server', most: 0.1 },
  'upgrade server': { on: 'server', most: 0.1 },
  'pause server': { on: 'server', most: 1 },
  'fill server disk': { on: 'server disk', most: 1 / 3 },
  'kill agent': { on: 'agent', most: 1 / 3 },
  'stop agent': { on: 'agent', most: 0.1 },
  'upgrade agent': { on: 'agent', most: 0.1 },
  'pause agent': { on: 'agent', most: 1 },
  'cut line': { on: 'agent', most: 1 },
  'silence line': { on: 'agent', most: 1 },
  'lose replies': { on: 'agent', most: 0.5 },
  'fill agent disk': { on: 'agent', most: 1 / 3 },
  'crash machine': { on: 'agent', most: 1 / 3 },
  'kill launcher': { on: 'agent', most: 0 },
  'kill job': { on: 'job', most: 0 },
  'kill shim': { on: 'job', most: 0 },
  'pause job': { on: 'job', most: 0.5 },
  'move agent': { on: 'agent', most: 0 },
  'break database': { on: 'database', most: 0 },
} as const satisfies Record<string, { readonly on: 'server' | 'server disk' | 'agent' | 'job' | 'database'; readonly most: number }>;

export type FaultKind = keyof typeof FAULT_KINDS;

export interface Fault {
  readonly kind: FaultKind;
  /** Milliseconds after the beginning. */
  readonly at: number;
  readonly lasts: number;
  /** Index among servers or agents; 0 otherwise. */
  readonly target: number;
  /** 0 ≤ coin < 1: what else is to be chosen. */
  readonly coin: number;
}

export interface ScheduleOptions {
  readonly engine: 'sqlite' | 'postgres';
  readonly servers: number;
  readonly agents: number;
  readonly period_ms: number;
  /** Mean time between two faults. */
  readonly gap_ms: number;
  /** The longest fault. */
  readonly longest_ms: number;
  /** Whether small disks can be mounted here. */
  readonly disks: boolean;
}

/** After its end a fault keeps what it struck to itself for this long, so that something recovers now and then. */
const REST_MS = 1_500;
const SHORTEST_MS = 200;

export function makeSchedule(random: Random, options: ScheduleOptions): Fault[] {
  const faults: Fault[] = [];
  const busyUntil = new Map<string, number>();
  const kinds = kindsFor(options);
  let deck: FaultKind[] = [];
  for (let at = options.gap_ms; at < options.period_ms; at += options.gap_ms * random.between(0.5, 1.5)) {
    if (deck.length < kinds.length) deck.push(...random.shuffled(kinds));
    const { lasts, coin } = { lasts: duration(random, options.longest_ms), coin: random.next() };
    const placed = place(deck, { at, busyUntil, random, options });
    if (placed === null) continue;
    const { kind, target, components } = placed;
    deck = deck.filter((_, index) => index !== placed.index);
    const most = FAULT_KINDS[kind].most;
    const fault = { kind, at: Math.round(at), lasts: most === 0 ? 0 : Math.round(Math.max(SHORTEST_MS, lasts * most)), target, coin };
    faults.push(fault);
    for (const component of components) busyUntil.set(component, at + fault.lasts + REST_MS);
  }
  return faults;
}

/** Every kind comes once before any comes a second time. */
function kindsFor({ engine, disks }: ScheduleOptions): FaultKind[] {
  const all = Object.keys(FAULT_KINDS) as FaultKind[];
  return all.filter((kind) => {
    if (!disks && kind.endsWith('disk')) return false;
    return engine === 'postgres' || (kind !== 'move agent' && kind !== 'break database');
  });
}

/** Mostly short, now and then as long as allowed. */
function duration(random: Random, longest: number): number {
  return longest * Math.min(1, 0.05 + 1.05 * random.next() ** 3);
}

interface Placing {
  readonly at: number;
  readonly busyUntil: ReadonlyMap<string, number>;
  readonly random: Random;
  readonly options: ScheduleOptions;
}

function place(deck: readonly FaultKind[], { at, busyUntil, random, options }: Placing) {
  const isFree = (component: string): boolean => (busyUntil.get(component) ?? 0) <= at;
  for (const [index, kind] of deck.entries()) {
    const { on } = FAULT_KINDS[kind];
    const count = on === 'server' ? options.servers : on === 'agent' ? options.agents : 1;
    for (const target of random.shuffled(Array.from({ length: count }, (_, each) => each))) {
      const components = componentsOf(on, target, options);
      if (components.every(isFree)) return { index, kind, target, components };
    }
  }
  return null;
}

/** What a fault has to itself while it lasts. Jobs are struck whatever else goes on. */
export function componentsOf(on: (typeof FAULT_KINDS)[FaultKind]['on'], target: number, { servers }: Pick<ScheduleOptions, 'servers'>): string[] {
  switch (on) {
    case 'server':
    case 'agent':
      return [`${on} ${target + 1}`];
    case 'server disk':
      return Array.from({ length: servers }, (_, each) => `server ${each + 1}`);
    case 'database':
      return ['database'];
    case 'job':
      return [];
  }
}
