// The ledger outside Drover: what the jobs themselves wrote down, read back as executions.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface StoredFact {
  readonly kind: 'artifact' | 'checkpoint';
  readonly sha256: string;
  /** Kept for the agent to deliver; null: nobody knows whether it was stored. */
  readonly queued: boolean | null;
  readonly at: number;
}

export interface Point {
  readonly step: number;
  readonly value: number;
  /** False when a full disk may have swallowed it. */
  readonly certain: boolean;
}

/** One attempt directory in which something ran. */
export interface Execution {
  /** `number.attempt.token8`. */
  readonly name: string;
  readonly number: number;
  readonly attempt: number;
  /** More than one is a job that was started twice in the same attempt. */
  starts: number;
  marker: string;
  pid: number;
  worker: string;
  /** Of a plain shell job. */
  lines: number | null;
  exit_code: number | null;
  ends: number;
  torn: boolean;
  outrun: boolean;
  stored: StoredFact[];
  /** Undefined: it did not ask, or had no answer. */
  resumed: { readonly sha256: string | null; readonly at: number } | undefined;
}

interface Fact {
  readonly fact: 'start' | 'end' | 'storing' | 'stored' | 'outrun' | 'resumed' | 'torn';
  readonly attempt: string;
  readonly at?: number;
  readonly marker?: string;
  readonly pid?: number;
  readonly worker?: string;
  readonly lines?: number;
  readonly exit_code?: number;
  readonly kind?: StoredFact['kind'];
  readonly sha256?: string | null;
  readonly queued?: boolean;
}

export class Ledger {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  facts(): readonly Fact[] {
    return this.#text('facts')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Fact);
  }

  executions(): Execution[] {
    const byName = new Map<string, Execution>();
    for (const fact of this.facts()) {
      const execution = byName.get(fact.attempt) ?? newExecution(fact.attempt);
      byName.set(fact.attempt, execution);
      apply(execution, fact);
    }
    return [...byName.values()];
  }

  /** What a job that uses the library printed; null for a plain one. */
  copy(name: string, stream: 'stdout' | 'stderr'): Buffer | null {
    const path = join(this.directory, `${name}.${stream}`);
    return existsSync(path) ? readFileSync(path) : null;
  }

  points(name: string): Point[] {
    const points = new Map<number, Point>();
    for (const line of this.#text(`${name}.metrics`).split('\n')) {
      const [mark, step, value] = line.split(' ');
      if (value !== undefined) points.set(Number(step), { step: Number(step), value: Number(value), certain: mark === '?' });
    }
    return [...points.values()];
  }

  #text(name: string): string {
    const path = join(this.directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }
}

function newExecution(name: string): Execution {
  const [number, attempt] = name.split('.').map(Number);
  return {
    ...{ name, number: number!, attempt: attempt!, starts: 0, marker: '', pid: 0, worker: '', lines: null, exit_code: null, ends: 0 },
    ...{ torn: false, outrun: false, stored: [], resumed: undefined },
  };
}

function apply(execution: Execution, fact: Fact): void {
  const at = fact.at ?? 0;
  switch (fact.fact) {
    case 'start':
      execution.starts += 1;
      Object.assign(execution, { marker: fact.marker, pid: fact.pid, worker: fact.worker, lines: fact.lines ?? null });
      return;
    case 'storing':
      execution.stored.push({ kind: fact.kind!, sha256: fact.sha256!, queued: null, at });
      return;
    case 'stored': {
      const last = execution.stored.findLastIndex(({ sha256 }) => sha256 === fact.sha256);
      execution.stored[last] = { ...execution.stored[last]!, queued: fact.queued!, at };
      return;
    }
    case 'resumed':
      execution.resumed = { sha256: fact.sha256 ?? null, at };
      return;
    case 'outrun':
      execution.outrun = true;
      return;
    case 'torn':
      execution.torn = true;
      return;
    case 'end':
      execution.ends += 1;
      execution.exit_code = fact.exit_code!;
  }
}
