// Workers as people see and command them.
import type { contract } from '../../contract/index.ts';
import { toIso } from '../../runtime/clock.ts';
import { commandWorkers, listWorkers, revokeAgent, type WorkerRequest } from '../../store/agents.ts';
import { isPerson } from '../access.ts';
import { actorName, type Call, type Handlers, namedExperiment } from '../context.ts';
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
  command: ({ body }, call) => tell(call, { selection: body.workers, state: body.action, dry_run: body.dry_run }),
  cancelCommand: ({ body }, call) => tell(call, { selection: body.workers, state: null, dry_run: false }),
  async revoke({ params }, call) {
    const name = params.agent;
    const { revoked_at, running_jobs } = await call.context.store.write((tx) => revokeAgent(tx, namedExperiment(call), { name, actor: actorName(call.actor) }));
    call.context.access.forget();
    return { agent: name, revoked_at: toIso(revoked_at), running_jobs };
  },
};

async function tell(call: Call, request: Omit<WorkerRequest, 'actor' | 'may_operate'>) {
  const { actor, context } = call;
  const may_operate = isPerson(actor) ? actor.experiments : [];
  const { matched, changed, refused } = await context.store.write((tx) =>
    commandWorkers(tx, namedExperiment(call), { ...request, may_operate, actor: actorName(actor) }),
  );
  return { matched, changed: changed.length, refused, workers: [...changed] };
}
