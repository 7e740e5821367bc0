// Workers as people see and command them.
import type { contract } from '../../contract/index.ts';
import { commandWorkers, listWorkers } from '../../store/agents.ts';
import { actorName, type Handlers, namedExperiment } from '../context.ts';
import { workerShape } from '../wire.ts';

export const workerHandlers: Handlers<typeof contract>['workers'] = {
  async list({ query }, call) {
    const records = await listWorkers(call.context.store, namedExperiment(call).id);
    const { name } = namedExperiment(call);
    const seesAll = 'experiments' in call.actor && call.actor.experiments === null;
    // Who may see this experiment only learns that a shared worker is busy, not with what.
    const workers = records.map(workerShape).map((worker) => (seesAll || worker.job?.experiment === name ? worker : { ...worker, job: null }));
    if (query.state === 'all') return { workers };
    return { workers: workers.filter((worker) => (worker.status === 'disabled') === (query.state === 'disabled')) };
  },
  async command({ body }, call) {
    const { id } = namedExperiment(call);
    const request = { selection: body.workers, state: body.action, dry_run: body.dry_run, actor: actorName(call.actor) };
    const { matched, changed } = await call.context.store.write((tx) => commandWorkers(tx, id, request));
    return { matched, changed: changed.length, workers: [...changed] };
  },
  async cancelCommand({ body }, call) {
    const { id } = namedExperiment(call);
    const request = { selection: body.workers, state: null, dry_run: false, actor: actorName(call.actor) };
    const { matched, changed } = await call.context.store.write((tx) => commandWorkers(tx, id, request));
    return { matched, changed: changed.length, workers: [...changed] };
  },
};
