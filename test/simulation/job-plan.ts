// What a simulated job does, all of it decided by its seed when it starts.
import type { Random } from './random.ts';

export type Step =
  | { readonly kind: 'print'; readonly at: number; readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer }
  | { readonly kind: 'metric'; readonly at: number; readonly name: string; readonly value: number; readonly step: number }
  | {
      readonly kind: 'upload';
      readonly at: number;
      readonly upload: 'artifact' | 'checkpoint';
      readonly key: string;
      readonly name: string;
      readonly bytes: Buffer;
    }
  /** A child that goes on after the job. */
  | { readonly kind: 'child'; readonly at: number; readonly lives_ms: number };

export interface Plan {
  /** In the order of their moments, milliseconds after the start. */
  readonly steps: readonly Step[];
  /** Null: it goes on until it is stopped. `vanish`: it takes the shell around it along. */
  readonly end: { readonly at: number; readonly status: number | 'vanish' } | null;
  /** Null: SIGTERM is ignored. */
  readonly on_term: { readonly after: number; readonly status: number; readonly saves: Step | null } | null;
  readonly timeout_ms: number | null;
}

/** The longest that any job runs by itself, milliseconds. */
const LONGEST_MS = 300_000;

/** The command says `work SCALE TIMEOUT`: how long jobs of this kind take (milliseconds at most), and their timeout in seconds or `-`. */
export function planOf(random: Random, command: string): Plan {
  const [, scale = '1000', timeout = '-'] = /work (\d+) (\S+)/.exec(command) ?? [];
  const duration = random.spread(3, Math.min(LONGEST_MS, Number(scale)));
  const timeout_ms = timeout === '-' ? null : Number(timeout) * 1000;
  const fate = random.next();
  const hangs = timeout_ms !== null && fate > 0.95;
  const status =
    fate < 0.74 ? 0 : fate < 0.86 ? random.pick([1, 2, 3, 126, 127]) : fate < 0.9 ? 128 + random.pick([9, 11, 6]) : fate < 0.92 ? ('vanish' as const) : 0;
  return {
    steps: steps(random, duration),
    end: hangs ? null : { at: duration, status },
    on_term: random.chance(0.2)
      ? null
      : { after: random.spread(1, 2_000), status: random.pick([0, 143, 143, 1]), saves: random.chance(0.3) ? upload(random, 0, 'checkpoint') : null },
    timeout_ms,
  };
}

function steps(random: Random, duration: number): Step[] {
  const made: Step[] = [];
  const moment = (): number => random.next() * duration;
  for (let count = random.int(0, 6); count > 0; count -= 1) {
    const bytes = random.bytes(random.chance(0.05) ? random.int(1_000, 30_000) : random.int(1, 200));
    made.push({ kind: 'print', at: moment(), stream: random.chance(0.8) ? 'stdout' : 'stderr', bytes });
  }
  for (let step = 0, count = random.int(0, 5); step < count; step += 1) {
    made.push({
      kind: 'metric',
      at: (duration * (step + random.next())) / count,
      name: random.pick(['loss', 'accuracy']),
      value: random.int(0, 1_000_000) / 1_000,
      step,
    });
  }
  if (random.chance(0.25)) made.push(upload(random, moment(), 'artifact'));
  if (random.chance(0.2)) made.push(upload(random, moment(), 'checkpoint'));
  if (random.chance(0.04)) made.push({ kind: 'child', at: moment(), lives_ms: random.spread(10, 20_000) });
  return made.sort((a, b) => a.at - b.at);
}

function upload(random: Random, at: number, kind: 'artifact' | 'checkpoint'): Step {
  return {
    kind: 'upload',
    at,
    upload: kind,
    key: random.bytes(8).toString('hex'),
    name: kind === 'checkpoint' ? 'checkpoint' : `model-${random.int(0, 2)}.bin`,
    bytes: random.bytes(random.int(0, 3_000)),
  };
}
