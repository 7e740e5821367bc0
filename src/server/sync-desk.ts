// The desk where agents call: syncs that arrive together share one transaction; a sync with nothing to hear hangs until there is
// something, a newer sync of the same agent comes, or its time is over.
import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';
import { type SyncAnswer, syncAgents, type SyncInput, type SyncMessage, type SyncResult } from '../store/sync.ts';

export interface SyncDesk {
  /** `wait_ms` 0 answers at once. */
  sync(message: SyncMessage, wait_ms: number, signal: AbortSignal): Promise<SyncResult>;
  /** Answers everything that hangs; later syncs are answered at once. */
  close(): void;
}

/** The agent must be heard of again within this time. */
export const NEXT_SYNC_MS = 30_000;

interface Queued {
  readonly input: SyncInput;
  readonly resolve: (result: SyncResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Why a hanging sync goes on. */
type Rouse = 'news' | 'over';

interface Waiter {
  readonly message: SyncMessage;
  rouse(reason: Rouse): void;
}

export function createSyncDesk(store: Store, clock: Clock, random: () => number): SyncDesk {
  const waiters = new Map<number, Waiter>();
  const terms = { store_id: store.id, key: store.key, next_sync_within_ms: NEXT_SYNC_MS, random };
  let queue: Queued[] = [];
  let draining = false;
  let closed = false;
  // Rises with every wake, so that one which falls between an answer and the beginning of the wait is not missed.
  let wakes = 0;

  store.onChange(({ wake }) => {
    if (wake === 'all') {
      wakes += 1;
      for (const waiter of [...waiters.values()]) if (waiter.message.free_slots.length > 0 || store.dialect === 'postgres') waiter.rouse('news');
    } else {
      if (wake.size > 0) wakes += 1;
      for (const agent of wake) waiters.get(agent)?.rouse('news');
    }
  });

  async function drain(): Promise<void> {
    draining = true;
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      await answerTogether(batch);
    }
    draining = false;
  }

  async function answerTogether(batch: readonly Queued[]): Promise<void> {
    const inputs = batch.map((queued) => queued.input);
    try {
      const results = await store.write((tx) => syncAgents(tx, inputs, terms));
      batch.forEach((queued, index) => queued.resolve(results[index]!));
    } catch (error) {
      if (batch.length === 1) return batch[0]!.reject(error);
      // One message that cannot be handled must not take its neighbours with it.
      for (const queued of batch) await answerTogether([queued]);
    }
  }

  function ask(input: SyncInput): Promise<SyncResult> {
    return new Promise((resolve, reject) => {
      queue.push({ input, resolve, reject });
      // Whatever arrives in this turn of the event loop, and while a commit is under way, goes into the next one.
      if (!draining) {
        draining = true;
        setImmediate(() => void drain());
      }
    });
  }

  function hang(message: SyncMessage, ms: number, signal: AbortSignal): Promise<Rouse> {
    return new Promise((resolve) => {
      const timer = clock.after(ms, () => rouse('over'));
      const rouse = (reason: Rouse): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        if (waiters.get(message.agent_id) === waiter) waiters.delete(message.agent_id);
        resolve(reason);
      };
      const onAbort = (): void => rouse('over');
      const waiter: Waiter = { message, rouse };
      waiters.set(message.agent_id, waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  return {
    async sync(message, wait_ms, signal) {
      const deadline = clock.monotonic() + wait_ms;
      waiters.get(message.agent_id)?.rouse('over');
      let seen = wakes;
      let result = await ask({ message, again: false });
      for (;;) {
        const left = deadline - clock.monotonic();
        if (typeof result === 'string' || hasNews(result) || left <= 0 || closed || signal.aborted) return result;
        if (seen === wakes && (await hang(message, left, signal)) === 'over') return result;
        seen = wakes;
        result = await ask({ message, again: true });
      }
    },
    close() {
      closed = true;
      for (const waiter of [...waiters.values()]) waiter.rouse('over');
    },
  };
}

function hasNews(answer: SyncAnswer): boolean {
  return (
    answer.superseded || answer.leases.length > 0 || answer.settled.length > 0 || answer.revoked.length > 0 || answer.unknown.length > 0 || answer.workers.length > 0
  );
}
