// Workers as people see and command them.
import type { contract, WorkerShape } from '../../contract/index.ts';
import { toIso } from '../../runtime/clock.ts';
import { commandWorkers, experimentNames, listWorkers, revokeAgent, type WorkerRecord, type WorkerRequest } from '../../store/agents.ts';
import { TOMBSTONE } from '../../store/experiments.ts';
import { NEWEST, readWorkerHistory } from '../../store/worker-history.ts';
import { findWorker, readAgentDetails } from '../../store/worker-record.ts';
import { isPerson, maySee } from '../access.ts';
import { actorName, type Call, type Handlers, namedExperiment } from '../context.ts';
import { entryShape, parsePlace } from '../worker-history-view.ts';
import { workerShape } from '../wire.ts';

export const workerHandlers: Handlers<typeof contract>['workers'] = {
  async list({ query }, call) {
    const records = await listWorkers(call.context.store, namedExperiment(call).id);
    const workers = records.map((record) => shownTo(call, record));
    if (query.state === 'all') return { workers };
    return { workers: workers.filter((worker) => (worker.status === 'disabled') === (query.state === 'disabled')) };
  },
  async get({ params }, call) {
    const { store } = call.context;
    const record = await findWorker(store, namedExperiment(call), params.worker);
    const details = await readAgentDetails(store, record.agent_id);
    const serves = record.experiments_json === null ? null : (JSON.parse(record.experiments_json) as number[]);
    const visible = (serves ?? []).filter((id) => maySee(call.actor, id));
    const names = await experimentNames(store, visible);
    return {
      ...shownTo(call, record),
      machine: details.machine,
      platform: details.platform,
      total: { cpus: details.total_cpus, memory_bytes: Number(details.total_memory_bytes), gpus: details.total_gpus },
      has_script: details.has_script === 1,
      experiments: serves === null ? null : [...names.values()].filter((name) => !name.startsWith(TOMBSTONE)).sort(),
      other_experiments: (serves ?? []).length - visible.length,
      next_sync_within_seconds: details.next_sync_within_ms / 1000,
      metrics_at: details.metrics_at === null ? null : toIso(details.metrics_at),
      agent_workers: details.workers,
      revoked_at: details.revoked_at === null ? null : toIso(details.revoked_at),
    };
  },
  async history({ params, query }, call) {
    const { store } = call.context;
    const { agent_id, slot } = await findWorker(store, namedExperiment(call), params.worker);
    const after = query.cursor === undefined ? NEWEST : parsePlace(query.cursor);
    const { entries, next } = await readWorkerHistory(store, { agent_id, slot, after, limit: query.limit });
    return {
      entries: entries.map((entry) => entryShape(entry, call.actor)),
      next_cursor: next === null ? null : `${next.event_id}.${next.claimed_at}.${next.job_id}`,
    };
  },
  command: ({ body }, call) => tell(call, { selection: body.workers, state: body.action, dry_run: body.dry_run }),
  cancelCommand: ({ body }, call) => tell(call, { selection: body.workers, state: null, dry_run: body.dry_run }),
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
  const { matched, changed, busy, refused } = await context.store.write((tx) =>
    commandWorkers(tx, namedExperiment(call), { ...request, may_operate, actor: actorName(actor) }),
  );
  return { matched, changed: changed.length, busy, refused, workers: [...changed] };
}

/** Who may not see the experiment of its job only learns that a shared worker is busy, not with what. */
function shownTo(call: Call, record: WorkerRecord): WorkerShape {
  const worker = workerShape(record);
  const hidden = worker.job !== null && record.job_experiment_id !== null && !maySee(call.actor, Number(record.job_experiment_id));
  return hidden ? { ...worker, job: null } : worker;
}
