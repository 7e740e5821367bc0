// `stop`, `confirm-stop`, `restart`, `scale` and `drain`: workers of this machine are told, by their agents, what to do.
import { LIMITS } from '../../core/limits.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { ask } from '../prompt.ts';
import { counted, namedExperiment, selectionOf, settingsOf, unknownWorker, workersHere, type Call, type PlacedWorker } from './call.ts';
import { jobText, listed } from './lists.ts';
import type { AgentSelection, StoppedWorkers } from '../../runtime/local-agents.ts';

const HOW = { grace_seconds: LIMITS.stop_seconds.value, kill: true } as const;

export async function stop(call: Call): Promise<void> {
  const { words, values } = call.line;
  if (words.includes('all-experiments')) {
    if (words.length > 1 || values.job !== undefined) throw usageError('stop all-experiments takes no other word.');
    return stopThese(call, await everyWorker(call), 'this machine');
  }
  const experiment = await namedExperiment(call);
  const meant = values.job === undefined ? await named(call, experiment) : await runnerOf(call, experiment, values.job);
  if (values.confirm_stop === true) await confirm(call, { experiment, workers: meant });
  await stopThese(call, meant, experiment);
}

export async function confirmStop(call: Call): Promise<void> {
  if (call.line.words.some((word) => word !== 'all')) throw usageError('confirm-stop stops all workers of the experiment; it takes no ids.');
  const experiment = await namedExperiment(call);
  const workers = await allOf(call, experiment);
  await confirm(call, { experiment, workers });
  await stopThese(call, workers, experiment);
}

/** Also from a pipe: what must be typed cannot be typed by accident. */
async function confirm({ session: { dependencies } }: Call, { experiment, workers }: { experiment: string; workers: readonly PlacedWorker[] }): Promise<void> {
  const busy = workers.filter(({ job }) => job !== null).length;
  const answer = await ask(
    dependencies,
    `This stops ${counted(workers.length, 'worker')} of ${experiment}, ${busy} of them busy.\nType ${experiment} to go on: `,
  );
  if (answer.trim() !== experiment) throw new CliFailure(EXIT.refused, 'That was not the name. Nothing was stopped.');
}

async function stopThese(call: Call, workers: readonly PlacedWorker[], where: string): Promise<void> {
  const { context, session } = call;
  const busy = workers.filter(({ job }) => job !== null);
  if (busy.length > 0)
    context.output.note(`Stopping ${counted(workers.length, 'worker')}; ${counted(busy.length, 'job')} may take up to ${HOW.grace_seconds} s to end.`);
  const names = workers.map(({ worker_id: id }) => id);
  const stopped = await session.dependencies.agent.stop({ ...(await selectionOf(call, null, names)), ...HOW });
  const released = busy.filter(({ worker_id: id }) => stopped.workers.includes(id)).map((worker) => jobText(worker, where));
  await context.output.show({
    json: { stopped: stopped.workers, leaving: stopped.leaving, killed: stopped.killed, jobs_given_back: released },
    ids: stopped.workers,
    blocks: [{ text: stoppedText(stopped, released, where) }],
  });
  for (const instance of stopped.killed) context.output.note(`${instance} had to be killed. Its jobs may still run; the next start takes them over.`);
  if (stopped.leaving.length > 0) throw new CliFailure(EXIT.refused, `Told to stop, and not gone yet: ${stopped.leaving.join(', ')}.`);
}

function stoppedText({ workers, leaving }: StoppedWorkers, jobs: readonly string[], where: string): string {
  const back = jobs.length === 0 ? '' : ` ${jobs.length === 1 ? 'Job' : 'Jobs'} ${jobs.join(', ')} went back into the queue.`;
  if (workers.length === 0) return leaving.length > 0 ? `No worker of ${where} has left yet.` : `No worker of ${where} ran any more.`;
  return `Stopped ${workers.join(', ')}.${back}`;
}

export async function restart(call: Call): Promise<void> {
  const experiment = await namedExperiment(call);
  const workers = await named(call, experiment);
  const { context, session } = call;
  const names = workers.map(({ worker_id: id }) => id);
  const busy = workers.filter(({ job }) => job !== null).length;
  if (busy > 0)
    context.output.note(`${counted(busy, 'job')} may take up to ${HOW.grace_seconds} s to end, and ${busy === 1 ? 'goes' : 'go'} back into the queue.`);
  const selection: AgentSelection = { ...(await selectionOf(call, null, names)), ...HOW };
  const agents = await session.dependencies.agent.restart(selection);
  const rows = agents.flatMap((agent) => agent.worker_ids.map((id) => ({ worker_id: id, pid: agent.pid })));
  await context.output.show({
    json: { restarted: rows },
    ids: rows.map(({ worker_id: id }) => id),
    blocks: [{ table: { columns: [{ title: 'WORKER_ID' }, { title: 'PID' }], rows: rows.map((row) => [row.worker_id, String(row.pid)]) } }],
  });
  const missing = names.filter((id) => !rows.some(({ worker_id: each }) => each === id));
  if (missing.length > 0) throw new CliFailure(EXIT.refused, `Not restarted, because they have not ended: ${missing.join(', ')}.`);
  context.output.note(`Restarted ${counted(rows.length, 'worker')} of ${experiment}.`);
}

export async function scale(call: Call): Promise<void> {
  const experiment = await namedExperiment(call);
  const { num_workers: workers } = call.line.values;
  if (workers === undefined) throw usageError('To how many? scale num_workers=N');
  if (call.line.words.length > 0) throw usageError('scale takes num_workers=N and no other word.');
  const { context, session } = call;
  const scaled = await session.dependencies.agent.scale({ cache: (await settingsOf(context)).cache, experiment, workers });
  const { before, started, stopped, leaving } = scaled;
  const change = started.length > 0 ? ` Started ${started.join(', ')}.` : stopped.length > 0 ? ` Stopped ${stopped.join(', ')}.` : '';
  const text =
    before === workers
      ? `${experiment} has ${counted(workers, 'worker')} here already.`
      : `${experiment} went from ${before} to ${counted(workers + leaving.length, 'worker')} here.${change}`;
  await context.output.show({
    json: { experiment, before, workers: workers + leaving.length, started, stopped, leaving },
    ids: [...started, ...stopped],
    blocks: [{ text }],
  });
  if (leaving.length > 0) throw new CliFailure(EXIT.refused, `Told to stop, and not gone yet: ${leaving.join(', ')}.`);
}

export async function drain(call: Call): Promise<void> {
  const experiment = await namedExperiment(call);
  const workers = call.line.words.length === 0 ? await allOf(call, experiment) : await named(call, experiment);
  const { context, session } = call;
  const names = workers.map(({ worker_id: id }) => id);
  const told = await session.dependencies.agent.drain(await selectionOf(call, null, names));
  const finishing = workers.filter(({ worker_id: id, job }) => told.includes(id) && job !== null);
  const jobs = finishing.map((worker) => `${worker.worker_id} finishes job ${jobText(worker, experiment)}`);
  await context.output.show({
    json: { experiment, draining: told, finishing: finishing.map((worker) => ({ worker_id: worker.worker_id, job: worker.job!.number })) },
    ids: told,
    blocks: [{ text: `Draining ${told.join(', ')}: they take no more jobs and leave.${jobs.length === 0 ? '' : ` First ${jobs.join(', ')}.`}` }],
  });
  const missing = names.filter((id) => !told.includes(id));
  if (missing.length > 0) throw new CliFailure(EXIT.refused, `Not told, because their agent does not answer: ${missing.join(', ')}.`);
}

/** `all`, or ids. */
async function named(call: Call, experiment: string): Promise<readonly PlacedWorker[]> {
  const { words, command } = call.line;
  if (words.length === 0)
    throw usageError(`Which workers? ${command} all, or ids of workers${command === 'stop' ? ', or job=N' : ''}; worker-list shows them.`);
  if (words.includes('all')) {
    if (words.length > 1) throw usageError(`Say all, or name workers, not both.`);
    return allOf(call, experiment);
  }
  const here = await workersHere(call, experiment);
  const known = [...here.workers, ...here.of_all];
  return Promise.all(
    words.map(async (id) => {
      const worker = known.find(({ worker_id: each }) => each === id);
      if (worker === undefined) throw await unknownWorker(id, { experiment, known: [...known.map(({ worker_id: each }) => each), 'all'] });
      return worker;
    }),
  );
}

async function allOf(call: Call, experiment: string): Promise<readonly PlacedWorker[]> {
  const { workers, of_all: ofAll } = await workersHere(call, experiment);
  if (ofAll.length > 0)
    call.context.output.note(
      `Not meant: ${listed(ofAll)}, which also ${ofAll.length === 1 ? 'serves' : 'serve'} all other experiments. Name workers by id, or say all-experiments.`,
    );
  if (workers.length > 0) return workers;
  throw new CliFailure(EXIT.not_found, `No workers of ${experiment} run on this machine.`);
}

async function everyWorker(call: Call): Promise<readonly PlacedWorker[]> {
  const { workers, of_all: ofAll } = await workersHere(call, null);
  if (workers.length + ofAll.length > 0) return [...workers, ...ofAll];
  throw new CliFailure(EXIT.not_found, 'No workers run on this machine.');
}

async function runnerOf(call: Call, experiment: string, job: number): Promise<readonly PlacedWorker[]> {
  if (call.line.words.length > 0) throw usageError('Say job=N, or name workers, not both.');
  const here = await workersHere(call, experiment);
  const worker = [...here.workers, ...here.of_all].find((each) => each.job?.experiment === experiment && each.job.number === job);
  if (worker !== undefined) return [worker];
  throw new CliFailure(EXIT.not_found, `No worker of this machine runs job ${job} of ${experiment}.`);
}
