// The machines of workers over time.
import type { contract, MachineShape } from '../../contract/index.ts';
import { fromIso, toIso } from '../../runtime/clock.ts';
import { findWorker } from '../../store/worker-record.ts';
import { readMachine } from '../../store/machine-samples.ts';
import { addMachines, changeMachines, type ListedMachine, listMachines, machineState } from '../../store/machines.ts';
import { maySee } from '../access.ts';
import { actorName, type Call, type Handlers, namedExperiment } from '../context.ts';
import { invalid } from '../new-jobs.ts';

const HOUR_MS = 3_600_000;

function shape(row: ListedMachine, call: Call): MachineShape {
  const { actor, context } = call;
  const seen = row.job_experiment_id !== null && maySee(actor, Number(row.job_experiment_id));
  return {
    ...{ name: row.name, kind: row.kind, machine_class: row.machine_class, ...machineState(row, context.clock.now()) },
    ...{ enabled: row.enabled === 1, failures: Number(row.failures), created_at: toIso(row.created_at) },
    ...{ quarantined_at: moment(row.quarantined_at), trial_at: moment(row.trial_at), driver: row.agent_name, worker_id: row.worker_id },
    job: seen ? { experiment: row.job_experiment!, number: Number(row.job_number), attempt: Number(row.job_attempt) } : null,
  };
}

function moment(at: number | null): string | null {
  return at === null ? null : toIso(at);
}

export const machineHandlers: Handlers<typeof contract>['machines'] = {
  async list({ query }, call) {
    const machines = await listMachines(call.context.store, query.machine_class ?? null);
    return { machines: machines.map((row) => shape(row, call)) };
  },
  async add({ body }, call) {
    const { added, changed, driven } = await call.context.store.write((tx) => addMachines(tx, { ...body, actor: actorName(call.actor) }));
    return { added: [...added], changed: [...changed], driven };
  },
  async change({ body }, call) {
    const { action, selection, machine_class, dry_run } = body;
    const change = { action, names: selection.names, of_class: selection.machine_class, machine_class, dry_run, actor: actorName(call.actor) };
    const { changed, unchanged, running } = await call.context.store.write((tx) => changeMachines(tx, change));
    return { changed: [...changed], unchanged: [...unchanged], running: [...running] };
  },
  async series({ params, query }, call) {
    const { store, clock } = call.context;
    const { agent_id } = await findWorker(store, namedExperiment(call), params.worker);
    const now = clock.now();
    const until = query.until === undefined ? now : fromIso(query.until);
    const from = query.from === undefined ? until - HOUR_MS : fromIso(query.from);
    if (from >= until) throw invalid('The stretch of time ends before it begins.', 'from');
    const { piece_ms, series } = await readMachine(store, { agent_id, from, until, points: query.points, now });
    return { worker_id: params.worker, from: toIso(from), until: toIso(until), piece_seconds: piece_ms / 1000, series: [...series] };
  },
};
