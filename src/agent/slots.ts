// The workers of an agent, one per slot: what each was told, and what it has told the server of that.
// One worker's command never touches its neighbours.
import type { SyncReplyShape, SyncRequestShape } from '../contract/index.ts';
import { isDriven } from '../core/identifiers.ts';
import type { DesiredState } from '../core/worker.ts';

export interface Slots {
  /** Own workers: slots 0 to count - 1. */
  readonly count: number;
  /** The machines elsewhere that are slots here, as the server told them: all of them. */
  drive(machines: readonly DrivenMachine[]): void;
  /** Their slots. */
  driven(): number[];
  /** Those that can take a job while jobs hold these. */
  free(taken: readonly number[]): number[];
  /** Takes the newest commands; true when one of them is to be told back. */
  command(commands: SyncReplyShape['workers']): boolean;
  /** A command from this machine: it holds until another one from here, whatever the server says. */
  commandHere(slots: readonly number[], state: 'drain' | 'stop' | 'run'): void;
  /** Slots that were told here to leave. */
  sentAway(): number[];
  /** The newest command of each slot that ever had one: the server's record may have become older than what it told us. */
  applied(): SyncRequestShape['workers'];
  /** Whether there are applied commands that the server has not heard of. */
  hasNews(): boolean;
  /** A sync that carried these was answered. */
  told(applied: SyncRequestShape['workers']): void;
  mayTake(slot: number): boolean;
  took(slot: number): void;
  /** With `--once`: an answer brought nothing for these slots, so they leave. */
  foundNothing(slots: readonly number[]): void;
  /** It will take nothing more. */
  isLeaving(slot: number): boolean;
  state(slot: number): DesiredState;
}

export interface DrivenMachine {
  readonly slot: number;
  readonly machine: string;
}

interface Slot {
  desired: DesiredState;
  version: number;
  told_version: number;
  /** What it was told on this machine; `run` is nothing. */
  here: 'drain' | 'stop' | 'run';
  /** With `--once`: had its job, or found none. */
  used_up: boolean;
}

export function createSlots(count: number, once: boolean): Slots {
  const fresh = (): Slot => ({ desired: 'run', version: 0, told_version: 0, here: 'run', used_up: false });
  const slots = new Map<number, Slot>(Array.from({ length: count }, (_, index) => [index, fresh()]));
  let machines: ReadonlyMap<number, string> = new Map();
  const isLeaving = ({ desired, here, used_up }: Slot): boolean => desired === 'drain' || desired === 'stop' || here !== 'run' || used_up;
  const use = (index: number): void => {
    const slot = slots.get(index);
    if (once && slot !== undefined) slot.used_up = true;
  };

  const mayTake = (index: number): boolean => {
    const slot = slots.get(index);
    return slot !== undefined && slot.desired === 'run' && !isLeaving(slot) && (index < count || machines.has(index));
  };

  return {
    count,
    drive(told) {
      machines = new Map(told.map(({ slot, machine }) => [slot, machine]));
      for (const slot of machines.keys()) if (!slots.has(slot)) slots.set(slot, fresh());
    },
    driven: () => [...machines.keys()],
    free(taken) {
      const busy = new Set(taken);
      const open = (slot: number): boolean => !busy.has(slot) && mayTake(slot);
      // Adopted jobs beyond the number of workers count too: nothing new until there are fewer.
      const room = Math.max(0, count - taken.filter((slot) => !isDriven(slot)).length);
      const own = Array.from({ length: count }, (_, slot) => slot).filter(open);
      return [...own.slice(0, room), ...[...machines.keys()].filter(open)];
    },
    command(commands) {
      let changed = false;
      for (const { slot: index, desired_state, desired_version } of commands) {
        const slot = slots.get(index);
        if (slot === undefined || desired_version <= slot.version) continue;
        slot.desired = desired_state;
        slot.version = desired_version;
        changed = true;
      }
      return changed;
    },
    commandHere(indices, state) {
      for (const index of indices) {
        const slot = slots.get(index);
        if (slot !== undefined) slot.here = state;
      }
    },
    sentAway: () => [...slots].flatMap(([index, { here }]) => (here === 'run' ? [] : [index])),
    applied: () => [...slots].flatMap(([index, { version, desired }]) => (version > 0 ? [{ slot: index, applied_version: version, state: desired }] : [])),
    hasNews: () => [...slots.values()].some(({ version, told_version }) => version > told_version),
    told(applied) {
      for (const { slot: index, applied_version } of applied) {
        const slot = slots.get(index);
        if (slot !== undefined) slot.told_version = Math.max(slot.told_version, applied_version);
      }
    },
    mayTake,
    took: use,
    foundNothing: (indices) => indices.forEach(use),
    isLeaving(index) {
      const slot = slots.get(index);
      return slot === undefined || isLeaving(slot);
    },
    state(index) {
      const { desired, here } = slots.get(index) ?? { desired: 'run', here: 'run' };
      return here === 'run' ? desired : here;
    },
  };
}
