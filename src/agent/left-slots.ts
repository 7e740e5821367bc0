// Which slots have left by a command of this machine, as the server is told: when it has changed, until a reply came.
import type { Slots } from './slots.ts';

export interface LeftSlots {
  /** Of `busy` slots the jobs still run. */
  toTell(busy: ReadonlySet<number>): { readonly left_slots?: number[] };
  told(request: { readonly left_slots?: readonly number[] | undefined }): void;
}

export function createLeftSlots(slots: Pick<Slots, 'sentAway'>): LeftSlots {
  let known: readonly number[] = [];
  return {
    toTell(busy) {
      const left = slots.sentAway().filter((slot) => !busy.has(slot));
      return left.join() === known.join() ? {} : { left_slots: left };
    },
    told: ({ left_slots: told }) => void (known = told ?? known),
  };
}
