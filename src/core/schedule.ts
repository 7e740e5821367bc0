// Which pending jobs go to which free slots. The store hands in the heads of the demands; this picks, in order of
// priority and then age, until nothing more fits. Deterministic for the same input.

export interface Resources {
  readonly cpus: number;
  readonly memory_bytes: number;
  readonly gpus: number;
}

/** What a set of like jobs asks for. */
export interface Demand extends Resources {
  readonly demand_id: number;
  readonly experiment_id: number;
  /** The class of machine, or null for any. */
  readonly machine_class: string | null;
  /** Jobs without a command run the worker's own script. */
  readonly needs_script: boolean;
}

/** What an agent can take now. */
export interface Offer {
  readonly free: Resources;
  readonly machine_class: string | null;
  readonly has_script: boolean;
  /** Its workers run nothing but their own script. */
  readonly script_only?: boolean | undefined;
  /** Its slots are machines elsewhere: they take only jobs that ask for their class, and nobody counts what those use there. */
  readonly driven?: boolean | undefined;
  readonly slots: readonly number[];
}

export function demandFits(demand: Demand, offer: Pick<Offer, 'free' | 'machine_class' | 'has_script' | 'script_only' | 'driven'>): boolean {
  if (offer.driven === true) return demand.machine_class !== null && demand.machine_class === offer.machine_class && !demand.needs_script;
  return (
    (demand.machine_class === null || demand.machine_class === offer.machine_class) &&
    (demand.needs_script ? offer.has_script : offer.script_only !== true) &&
    demand.cpus <= offer.free.cpus &&
    demand.memory_bytes <= offer.free.memory_bytes &&
    demand.gpus <= offer.free.gpus
  );
}

export interface Candidate {
  readonly job_id: number;
  readonly priority: number;
  readonly demand: Demand;
}

export interface Assignment {
  readonly job_id: number;
  readonly slot: number;
}

export type Place = Pick<Candidate, 'job_id' | 'priority'>;

/** The order of the queue: higher priority first, then the lower id. */
export function queueOrder(a: Place, b: Place): number {
  return b.priority - a.priority || a.job_id - b.job_id;
}

/**
 * Assigns candidates (any order) to slots, in the order of the queue; a misfit never blocks what is behind it, except the one for which
 * this machine is kept free (`reserved`): what stands before it still passes, what stands behind it waits until it was assigned.
 */
export function assign(candidates: readonly Candidate[], offer: Offer, reserved: Place | null = null): Assignment[] {
  const queue = [...candidates].sort(queueOrder);
  let kept = reserved;
  const slots = [...offer.slots].sort((a, b) => a - b);
  const free = { ...offer.free };
  const assignments: Assignment[] = [];
  for (const candidate of queue) {
    if (assignments.length === slots.length) break;
    if (kept !== null && queueOrder(kept, candidate) < 0) break;
    if (!demandFits(candidate.demand, { ...offer, free })) continue;
    free.cpus -= candidate.demand.cpus;
    free.memory_bytes -= candidate.demand.memory_bytes;
    free.gpus -= candidate.demand.gpus;
    assignments.push({ job_id: candidate.job_id, slot: slots[assignments.length]! });
    if (candidate.job_id === kept?.job_id) kept = null;
  }
  return assignments;
}

export interface MachineSize {
  readonly agent_id: number;
  /** Whose jobs it takes; null for all. */
  readonly experiments: readonly number[] | null;
  readonly total: Resources;
  readonly machine_class: string | null;
  readonly has_script: boolean;
}

/** How long a job is first of its kind, may be claimed and is not, before a machine is kept free for it. */
export const RESERVE_AFTER_MS = 10 * 60 * 1000;

/** The smallest agent that could run this demand when empty: the one to reserve, or null when none could ever. One that is kept for it already stays so. */
export function agentToReserve(demand: Demand, machines: readonly MachineSize[], kept: number | null = null): number | null {
  const able = machines.filter(
    (machine) => (machine.experiments?.includes(demand.experiment_id) ?? true) && demandFits(demand, { ...machine, free: machine.total }),
  );
  if (able.some((machine) => machine.agent_id === kept)) return kept;
  able.sort((a, b) => a.total.gpus - b.total.gpus || a.total.cpus - b.total.cpus || a.total.memory_bytes - b.total.memory_bytes || a.agent_id - b.agent_id);
  return able[0]?.agent_id ?? null;
}
