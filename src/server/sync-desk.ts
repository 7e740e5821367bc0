// The desk where agents call: syncs that arrive together share one transaction; a sync with nothing to hear hangs until there is
// something, a newer sync of the same agent comes, or its time is over.
import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';
import { syncAgents } from '../store/sync.ts';
import type { SyncAnswer, SyncInput, SyncMessage, SyncResult, SyncTerms } from '../store/sync-session.ts';
import type { Change } from '../store/writer.ts';

export interface SyncDesk {
  /** `wait_ms` 0 answers at once. */
  sync(message: SyncMessage, wait_ms: number, signal: AbortSignal): Promise<SyncResult>;
  /** Answers everything that hangs; later syncs are answered at once. */
  close(): void;
}

/** The agent must be heard of again within this time. */
export const NEXT_SYNC_MS = 30_000;

export function createSyncDesk(store: Store, clock: Clock, random: () => number): SyncDesk {
  return new Desk(store, clock, random);
}

/** Waiters that new jobs rouse at once. */
const FIRST_WAVE = 4;

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

class Desk implements SyncDesk {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #terms: SyncTerms;
  readonly #waiters = new Map<number, Waiter>();
  #queue: Queued[] = [];
  #draining = false;
  #closed = false;
  /** Rises with every wake, so that one which falls between an answer and the beginning of the wait is not missed. */
  #wakes = 0;
  /** Those for whom there may be jobs and who were not roused yet, who waits longest first. */
  readonly #toRouse = new Set<Waiter>();
  #wave = FIRST_WAVE;

  constructor(store: Store, clock: Clock, random: () => number) {
    this.#store = store;
    this.#clock = clock;
    this.#terms = { store_id: store.id, key: store.key, next_sync_within_ms: NEXT_SYNC_MS, random };
    store.onChange((change) => this.#onChange(change));
  }

  async sync(message: SyncMessage, wait_ms: number, signal: AbortSignal): Promise<SyncResult> {
    const deadline = this.#clock.monotonic() + wait_ms;
    this.#waiters.get(message.agent_id)?.rouse('over');
    let unknown: SyncAnswer['unknown'] = [];
    for (let again = false; ; again = true) {
      const seen = this.#wakes;
      const result = await this.#ask({ message, again });
      // Only the first look judges what was listed.
      if (typeof result === 'object') {
        if (again) result.unknown.push(...unknown);
        else unknown = result.unknown;
      }
      const left = deadline - this.#clock.monotonic();
      if (typeof result === 'string' || hasNews(result) || left <= 0 || this.#closed || signal.aborted) return result;
      if (seen === this.#wakes && (await this.#hang(message, left, signal)) === 'over') return result;
    }
  }

  close(): void {
    this.#closed = true;
    for (const waiter of [...this.#waiters.values()]) waiter.rouse('over');
  }

  #onChange({ wake_all, wake }: Change): void {
    if (wake_all || wake.size > 0) this.#wakes += 1;
    for (const agent of wake) this.#waiters.get(agent)?.rouse('news');
    if (!wake_all) return;
    const wavesGoOn = this.#toRouse.size > 0;
    for (const waiter of this.#waiters.values()) if (this.#mayConcern(waiter)) this.#toRouse.add(waiter);
    if (wavesGoOn) return;
    this.#wave = FIRST_WAVE;
    this.#rouseNext();
  }

  /** One job must not make a thousand agents ask before the first is answered: some ask, then twice as many, until all have. */
  #rouseNext(): void {
    const wave: Waiter[] = [];
    for (const waiter of this.#toRouse) {
      this.#toRouse.delete(waiter);
      if (this.#waiters.get(waiter.message.agent_id) === waiter) wave.push(waiter);
      if (wave.length === this.#wave) break;
    }
    this.#wave *= 2;
    for (const waiter of wave) waiter.rouse('news');
  }

  /** News for all are new jobs; but another server's news may be anything. */
  #mayConcern(waiter: Waiter): boolean {
    const { free_slots, ahead_slots } = waiter.message;
    return free_slots.length + ahead_slots.length > 0 || this.#store.dialect === 'postgres';
  }

  #ask(input: SyncInput): Promise<SyncResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ input, resolve, reject });
      if (this.#draining) return;
      // Whatever arrives in this turn of the event loop, and while a commit is under way, goes into the next one.
      this.#draining = true;
      setImmediate(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      await this.#answerTogether(batch);
      // These ask in the next turn, after the answers have left.
      this.#rouseNext();
    }
    this.#draining = false;
  }

  async #answerTogether(batch: readonly Queued[]): Promise<void> {
    const inputs = batch.map((queued) => queued.input);
    try {
      const results = await this.#store.write((tx) => syncAgents(tx, inputs, this.#terms));
      batch.forEach((queued, index) => queued.resolve(results[index]!));
    } catch (error) {
      if (batch.length === 1) return batch[0]!.reject(error);
      // One message that cannot be handled must not take its neighbours with it.
      for (const queued of batch) await this.#answerTogether([queued]);
    }
  }

  #hang(message: SyncMessage, ms: number, signal: AbortSignal): Promise<Rouse> {
    return new Promise((resolve) => {
      const rouse = (reason: Rouse): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        if (this.#waiters.get(message.agent_id) === waiter) this.#waiters.delete(message.agent_id);
        resolve(reason);
      };
      const timer = this.#clock.after(ms, () => rouse('over'));
      const onAbort = (): void => rouse('over');
      const waiter: Waiter = { message, rouse };
      this.#waiters.set(message.agent_id, waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

/** What is unknown is none: an agent keeps such attempts for days perhaps, and would be answered at once all that time. */
function hasNews(answer: SyncAnswer): boolean {
  return (
    answer.superseded ||
    answer.leases.length > 0 ||
    answer.settled.length > 0 ||
    answer.revoked.length > 0 ||
    answer.workers.length > 0 ||
    answer.driven !== null
  );
}
