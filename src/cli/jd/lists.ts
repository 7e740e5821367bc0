// `exp-list`, `worker-list` and `exp-status`: what runs on this machine, whether or not the server answers.
import { batch } from '../worker-list.ts';
import type { Cell } from '../table.ts';
import { counted, momentText, namedExperiment, scriptOf, workersHere, type Call, type PlacedWorker } from './call.ts';

const OF_ALL = '(all experiments)';

export async function listExperiments(call: Call): Promise<void> {
  const { workers, of_all: ofAll } = await workersHere(call, null);
  const counts = new Map<string, number>();
  for (const { agent } of [...workers, ...ofAll]) {
    for (const name of agent.experiments ?? [OF_ALL]) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const rows = [...counts].map(([experiment, count]) => ({ experiment: experiment === OF_ALL ? null : experiment, workers: count }));
  rows.sort((a, b) => (a.experiment ?? '~').localeCompare(b.experiment ?? '~'));
  const total = workers.length + ofAll.length;
  if (rows.length === 0) call.context.output.note('No workers run on this machine.');
  await call.context.output.show({
    json: { experiments: rows, total },
    ids: rows.flatMap(({ experiment }) => experiment ?? []),
    blocks:
      rows.length === 0
        ? []
        : [
            {
              table: {
                columns: [{ title: 'EXPERIMENT' }, { title: 'WORKERS', align: 'right' }],
                rows: [...rows.map((row) => [row.experiment ?? OF_ALL, String(row.workers)]), ['Total', String(total)]],
              },
            },
          ],
  });
}

export async function listWorkers(call: Call): Promise<void> {
  const experiment = await namedExperiment(call);
  const { workers, of_all: ofAll } = await workersHere(call, experiment);
  await call.context.output.list<PlacedWorker>({
    items: batch([...workers, ...ofAll]),
    json: (worker) => workerJson(worker),
    id: ({ worker_id: id }) => id,
    columns: [{ title: 'WORKER_ID' }, { title: 'PID' }, { title: 'STATUS' }, { title: 'JOB' }, { title: 'STARTED' }, { title: 'ENTRY_SCRIPT', shrinks: true }],
    row: (worker) => [
      worker.worker_id,
      String(worker.agent.pid ?? ''),
      statusCell(worker),
      jobText(worker, experiment),
      momentText(worker.agent.started_at),
      scriptOf(worker.agent),
    ],
    empty: `No workers of ${experiment} run on this machine. Start one: jd_worker_cli expId=${experiment} entry_script=train.py`,
  });
  if (ofAll.length > 0) call.context.output.note(`${listed(ofAll)} ${ofAll.length === 1 ? 'serves' : 'serve'} all experiments, this one among them.`);
}

export async function showExperiment(call: Call): Promise<void> {
  const experiment = await namedExperiment(call);
  const here = await workersHere(call, experiment);
  const workers = [...here.workers, ...here.of_all];
  const busy = workers.filter(({ job }) => job !== null).length;
  const leaving = workers.filter(({ status }) => status === 'draining' || status === 'stopping').length;
  const draining = workers.length > 0 && leaving === workers.length;
  const drainingText = draining ? 'yes' : leaving > 0 ? `${counted(leaving, 'worker')} of ${workers.length}` : 'no';
  await call.context.output.show({
    json: { experiment, draining, workers: workers.length, busy, idle: workers.length - busy, leaving, list: workers.map(workerJson) },
    ids: workers.map(({ worker_id: id }) => id),
    blocks: [
      {
        fields: [
          ['Experiment', experiment],
          ['Draining', drainingText],
          ['Workers', `${workers.length} (${busy} busy, ${workers.length - busy} idle)`],
        ],
      },
      {
        table: {
          columns: [{ title: 'WORKER_ID' }, { title: 'STATUS' }, { title: 'JOB' }, { title: 'PID' }],
          rows: workers.map((worker) => [worker.worker_id, statusCell(worker), jobText(worker, experiment), String(worker.agent.pid ?? '')]),
        },
      },
    ],
  });
}

export function workerJson({ agent, worker_id, status, job, log_file }: PlacedWorker) {
  const started_at = agent.started_at === 0 ? null : new Date(agent.started_at).toISOString();
  const { script, machine_class } = agent.launch;
  return {
    worker_id,
    pid: agent.pid,
    status,
    job: jobJson(job),
    started_at,
    entry_script: script,
    machine_type: machine_class,
    experiments: agent.experiments,
    log_file,
  };
}

export function jobJson(job: PlacedWorker['job']) {
  if (job === null) return null;
  return { ...job, started_at: job.started_at === null ? null : new Date(job.started_at).toISOString() };
}

/** The number alone, unless it is of another experiment. */
export function jobText({ job }: Pick<PlacedWorker, 'job'>, experiment: string | null): string {
  if (job === null) return '';
  return job.experiment === experiment ? String(job.number) : `${job.experiment}/${job.number}`;
}

function statusCell({ status }: PlacedWorker): Cell {
  return { text: status, colour: status === 'busy' ? 'blue' : status === 'idle' ? 'green' : status === 'unknown' ? 'red' : 'yellow' };
}

export function listed(workers: readonly PlacedWorker[]): string {
  return workers.map(({ worker_id: id }) => id).join(', ');
}
