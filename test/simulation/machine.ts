// A simulated computer as time sees it: clocks that are off and drift, sleep, and processes that stall or die.
import type { Clock } from '../../src/runtime/clock.ts';

import type { World } from './world.ts';

/** 2026-01-01, where all simulated runs begin. */
const EPOCH = Date.UTC(2026, 0, 1);

/** One start of a program. Nothing reaches it any more once it is dead. */
export interface Life {
  readonly name: string;
  dead: boolean;
  /** Its event loop does nothing before this moment of the world. */
  stalled_until: number;
}

export class Machine {
  readonly name: string;
  readonly world: World;
  /** How fast its clocks run. */
  readonly rate: number;
  /** Changes with each start of the machine. */
  boot = 1;
  #skew: number;
  #slept = 0;
  #asleep_since: number | null = null;
  /** What happens as soon as it wakes. */
  #waiting: (() => void)[] = [];

  constructor(world: World, name: string, clocks: { readonly skew_ms: number; readonly rate: number }) {
    this.world = world;
    this.name = name;
    this.#skew = clocks.skew_ms;
    this.rate = clocks.rate;
  }

  get isAsleep(): boolean {
    return this.#asleep_since !== null;
  }

  /** Milliseconds since 1970, as this machine believes. */
  wall(): number {
    return Math.floor(EPOCH + this.#skew + this.world.time * this.rate);
  }

  /** Stands still while the machine sleeps. */
  monotonic(): number {
    const until = this.#asleep_since ?? this.world.time;
    return (until - this.#slept) * this.rate;
  }

  jump(ms: number): void {
    this.#skew += ms;
  }

  sleep(ms: number): void {
    if (this.isAsleep) return;
    const since = this.world.time;
    this.#asleep_since = since;
    this.world.at(since + ms, () => (this.#asleep_since === since ? this.wake() : undefined));
  }

  wake(): void {
    if (this.#asleep_since === null) return;
    this.#slept += this.world.time - this.#asleep_since;
    this.#asleep_since = null;
    this.world.trace(`${this.name} wakes`);
    for (const happen of this.#waiting.splice(0)) this.world.after(0, happen);
  }

  start(name: string): Life {
    return { name, dead: false, stalled_until: 0 };
  }

  /** Runs something in a process as soon as machine and process can; never when it is dead by then. */
  deliver(life: Life, ms: number, fire: () => void): void {
    this.world.after(ms, () => this.#run(life, fire));
  }

  #run(life: Life, fire: () => void): void {
    if (life.dead) return;
    const again = (): void => this.#run(life, fire);
    if (this.isAsleep) this.#waiting.push(again);
    else if (life.stalled_until > this.world.time) this.world.at(life.stalled_until, again);
    else fire();
  }

  clock(life: Life): Clock {
    const { world } = this;
    const after = (asked: number, callback: () => void): { cancel(): void } => {
      // As Node's timers do.
      const ms = Math.max(1, Math.trunc(asked));
      const due = this.monotonic() + ms;
      let cancelled = false;
      const ring = (): void => {
        if (cancelled) return;
        const left = due - this.monotonic();
        // The machine slept meanwhile: its timers had stood still.
        if (left > 0.001) return this.deliver(life, left / this.rate, ring);
        cancelled = true;
        world.stir();
        callback();
      };
      this.deliver(life, ms / this.rate, ring);
      return { cancel: () => void (cancelled = true) };
    };
    return {
      now: () => this.wall(),
      monotonic: () => this.monotonic(),
      after,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted === true) return resolve();
          const done = (): void => {
            timer.cancel();
            signal?.removeEventListener('abort', done);
            world.stir();
            resolve();
          };
          const timer = after(ms, done);
          signal?.addEventListener('abort', done, { once: true });
        }),
    };
  }
}
