// Strikes by the schedule, heals, and watches how long it takes until everything that was concerned works again.
import { eventually } from '../support/eventually.ts';
import { isAlive } from '../support/program.ts';
import { strike } from './faults.ts';
import type { Field, Spell } from './field.ts';
import { componentsOf, FAULT_KINDS, type Fault } from './schedule.ts';

export interface Driver {
  /** Resolves when every fault was healed. */
  readonly over: Promise<void>;
  /** Resolves at a moment of the schedule. */
  pace(at: number): Promise<void>;
  stop(): void;
}

const EXIT_CHECK_MS = 500;

/** From the end of a fault until all is well again: agents that were cut off for long try less and less often. */
const RECOVERY_LIMIT_MS = 120_000;

export function drive(field: Field, faults: readonly Fault[]): Driver {
  const begun = performance.now();
  const pace = (at: number): Promise<void> => wait(at - (performance.now() - begun));
  const busy = new Map<string, Promise<void>>();
  const all = faults.map(async (fault) => {
    await pace(fault.at);
    const components = componentsOf(FAULT_KINDS[fault.kind].on, fault.target, { servers: field.servers.length });
    // What the schedule keeps apart may take longer in reality.
    const before = Promise.all(components.map((component) => busy.get(component) ?? Promise.resolve()));
    const done = before.then(() => suffer(field, fault));
    for (const component of components) busy.set(component, done);
    await done;
  });
  const watching = setInterval(() => watchExits(field), EXIT_CHECK_MS);
  const over = Promise.all(all).then(() => undefined);
  return { pace, over, stop: () => clearInterval(watching) };
}

/** Nobody may end without having been told to. */
function watchExits({ servers, agents, violation }: Field): void {
  for (const { name, up, server } of servers) if (up && !isAlive(server.pid)) violation(`${name} ended by itself`);
  for (const { name, up, agent } of agents) if (up && !isAlive(agent.pid)) violation(`${name} ended by itself`);
}

async function suffer(field: Field, fault: Fault): Promise<void> {
  try {
    const from = Date.now();
    const opened: Spell = { kind: fault.kind, side: FAULT_KINDS[fault.kind].on === 'job' ? 'job' : 'agent', struck: [], from, healed: null, recovered: null };
    const struck = await strike(field, fault);
    if (struck === null) return field.tell(`${fault.kind}: nothing there to strike`);
    const spell: Spell = { ...opened, side: struck.side, struck: struck.struck };
    field.spells.push(spell);
    const lasts = struck.heal === null ? '' : ` for ${(fault.lasts / 1000).toFixed(1)} s`;
    field.tell(`${fault.kind}: ${struck.struck.join(', ')}${lasts}${struck.note === undefined ? '' : ` (${struck.note})`}`);
    if (struck.heal !== null) {
      await wait(fault.lasts);
      await struck.heal();
    }
    spell.healed = Date.now();
    if (spell.side === 'job') return;
    void watchRecovery(field, spell);
  } catch (error) {
    field.violation(`${fault.kind} of target ${fault.target + 1} could not be done or healed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function watchRecovery(field: Field, spell: Spell): Promise<void> {
  const { healed } = spell;
  const concerned = field.agents.filter(({ name }) => spell.side !== 'agent' || spell.struck.includes(name));
  try {
    await eventually(
      async () => {
        const { workers } = await field.api().workers.list({ params: { experiment: field.experiment } }, { signal: AbortSignal.timeout(5_000) });
        for (const unit of concerned) {
          const own = workers.filter(({ worker_id, disabled_at }) => disabled_at === null && field.agentOf(worker_id) === unit);
          const heard = own.filter(({ liveness, last_seen_at }) => liveness === 'alive' && last_seen_at !== null && Date.parse(last_seen_at) >= healed!);
          if (heard.length === 0) throw new Error(`${unit.name} has not been heard of`);
        }
      },
      { within: RECOVERY_LIMIT_MS, every: 100 },
    );
    spell.recovered = Date.now();
  } catch (error) {
    // Another fault may have come in between; whether everything is well at the end, the audit sees.
    field.tell(`${spell.kind} of ${spell.struck.join(', ')}: no recovery seen (${error instanceof Error ? error.message : String(error)})`);
  }
}

/** The duration of a fault, or the time until the next one: not a wait for a fact. */
function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
