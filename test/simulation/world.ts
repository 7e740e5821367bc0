// Virtual time: a queue of events, each run to its end, with everything that follows from it at once, before the next.
import { createHash, type Hash } from 'node:crypto';

import { createRandom, type Random } from './random.ts';

/** Thrown into what runs on in a process that was just killed; nothing it does counts any more. */
export class Killed extends Error {
  constructor() {
    super('this process was killed');
    this.name = 'Killed';
  }
}

/** A promise of the simulation was broken. */
export class Violation extends Error {
  readonly job: string | null;

  constructor(message: string, job: string | null = null) {
    super(message);
    this.name = 'Violation';
    this.job = job;
  }
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Turns of the event loop without any activity after which nothing more follows from an event. */
const QUIET_TURNS = 2;
const turn = setImmediate;

export class World {
  readonly seed: string;
  readonly random: Random;
  /** Milliseconds since the simulation began. */
  time = 0;
  /** Events so far. */
  steps = 0;
  #order = 0;
  #activity = 0;
  readonly #queue: Event[] = [];
  readonly #hash: Hash = createHash('sha256');
  readonly #listen: ((line: string) => void) | null;
  /** The first broken promise; the run ends with it. */
  violation: Violation | null = null;

  constructor(seed: string, listen: ((line: string) => void) | null) {
    this.seed = seed;
    this.random = createRandom(seed);
    this.#listen = listen;
  }

  /** Calls back at a moment that has not passed; what is due at the same moment runs in the order in which it was asked for. */
  at(time: number, fire: () => void): void {
    const event = { at: Math.max(this.time, time), order: (this.#order += 1), fire };
    push(this.#queue, event);
  }

  after(ms: number, fire: () => void): void {
    this.at(this.time + ms, fire);
  }

  /** Something happened from which more may follow in this same moment. */
  stir(): void {
    this.#activity += 1;
  }

  trace(line: string): void {
    const text = `${this.time.toFixed(3)} ${line}`;
    this.#hash.update(text).update('\n');
    this.#listen?.(text);
  }

  traceHash(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }

  fail(violation: Violation): void {
    this.violation ??= violation;
  }

  /** Runs the next event and all that follows from it at once; false when there is none. */
  async step(): Promise<boolean> {
    const event = pop(this.#queue);
    if (event === undefined) return false;
    this.time = event.at;
    this.steps += 1;
    try {
      event.fire();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    await this.settle();
    return true;
  }

  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS;) {
      const before = this.#activity;
      await new Promise((resolve) => turn(resolve));
      quiet = this.#activity === before ? quiet + 1 : 0;
    }
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A binary heap: the earliest event is the first. */
function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(event, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
    if (!before(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
