// Jobs: create, list, show, and everything that people do to them.
import type { contract, Input } from '../../contract/index.ts';
import { JOB_STATUSES } from '../../core/job.ts';
import { LIMITS } from '../../core/limits.ts';
import { type Params, paramsProblem } from '../../core/params.ts';
import { Refusal } from '../../core/refusal.ts';
import { type FrozenVariables, NO_VARIABLES } from '../../core/variables.ts';
import { listAttempts } from '../../store/attempts.ts';
import { insertJobs, takeNumbers } from '../../store/create-jobs.ts';
import { readCounts } from '../../store/experiments.ts';
import { isLargeReplacement, type Replacement, replaceSome, startReplacement } from '../../store/delete-jobs.ts';
import { type ActionRequest, actOnJobs, type JobAction } from '../../store/job-actions.ts';
import { editJob, type JobEdit } from '../../store/job-edit.ts';
import { countJobs, listJobs } from '../../store/job-list.ts';
import { findJob, type JobRecord } from '../../store/job-rows.ts';
import type { JobFilter } from '../../store/job-search.ts';
import { createMatrix, EXPANDED_AT_ONCE } from '../../store/matrices.ts';
import type { Reader } from '../../store/store.ts';
import { frozenVariables } from '../../store/variables.ts';
import { readWait } from '../../store/waiting.ts';
import { readWorkerMachines } from '../../store/worker-record.ts';
import type { Transaction } from '../../store/writer.ts';
import { mayBringCommands } from '../access.ts';
import { actorName, type Call, type Handler, type Handlers, namedExperiment } from '../context.ts';
import { wasWritten, writeOnce } from '../idempotency.ts';
import { readFiltered } from '../job-filter.ts';
import { freezeVariables } from '../command-variables.ts';
import { type CreateBody, invalid, type NewJobs, readNewJobs } from '../new-jobs.ts';
import { inPieces } from '../pacing.ts';
import { attemptShape, jobShape } from '../wire.ts';

import { bulkHandlers } from './bulk.ts';
import { cloneJobs } from './clone.ts';
import { exportJobs } from './export.ts';

type JobTable = (typeof contract)['jobs'];

/** Filtered jobs are counted up to here; beyond, the page says "at least". */
const COUNTED = 10_000;

function refuseCommand(call: Call, command: string | null | undefined): void {
  if (command === undefined || command === null || mayBringCommands(call.actor)) return;
  throw new Refusal(
    'forbidden',
    'A PIN session cannot bring new command text. Use an API key or the one-time link, or leave the command out so that the script of the workers runs.',
  );
}

export async function jobOrRefuse(call: Call, number: number): Promise<JobRecord> {
  const experiment = namedExperiment(call);
  const job = await findJob(call.context.store, experiment.id, number);
  if (job === null) throw new Refusal('job_not_found', `There is no job ${experiment.name}/${number}.`);
  return job;
}

/** Exact from the counters when only the status is filtered, else counted up to a limit. */
async function total(call: Call, filter: JobFilter): Promise<{ count: number; exact: boolean }> {
  const { id } = namedExperiment(call);
  const { statuses = JOB_STATUSES, ...others } = filter;
  if (Object.keys(others).length > 0) return countJobs(call.context.store, id, filter, COUNTED);
  const counts = (await readCounts(call.context.store, [id])).get(id)!;
  return { count: statuses.reduce((sum, status) => sum + counts[status], 0), exact: true };
}

/** What replacing old jobs by new ones has done before the commit that creates the new ones. */
interface Replacing {
  readonly replacement: Replacement;
  readonly replaced: number;
}

const REPLACED = { least: 250, most: 5_000 };

/** More pending jobs than one commit may change are deleted in pieces; what is left of them goes in the commit that creates the new ones. */
async function replaceMost(call: Call, route: string): Promise<Replacing> {
  const { store, clock } = call.context;
  const { id } = namedExperiment(call);
  // First: should this be a repetition that comes while the first one is at work, the jobs that the first one creates are not meant.
  const replacement = await startReplacement(store, id, actorName(call.actor));
  let replaced = 0;
  if ((await isLargeReplacement(store, id)) && !(await wasWritten(call, route))) {
    await inPieces(clock, REPLACED, async (rows) => {
      replaced += await store.write((tx) => replaceSome(tx, replacement, rows));
      return isLargeReplacement(store, id);
    });
  }
  return { replacement, replaced };
}

/** The jobs with the variables of their command as they are now. */
async function withVariables<Jobs extends NewJobs>(reader: Pick<Reader, 'sql'>, call: Call, jobs: Jobs): Promise<Jobs> {
  const { template, kinds } = jobs;
  const variables = await freezeVariables(reader, { experiment_id: namedExperiment(call).id, command: template.command, jobs: kinds });
  return { ...jobs, template: { ...template, variables } };
}

async function createInTransaction(tx: Transaction, call: Call, { asked, replacing }: { asked: NewJobs; replacing: Replacing | null }) {
  const experiment_id = namedExperiment(call).id;
  const actor = actorName(call.actor);
  const jobs = await withVariables(tx, call, asked);
  const replaced = replacing === null ? 0 : replacing.replaced + (await replaceSome(tx, replacing.replacement, LIMITS.bulk_jobs.value));
  const made = await make(tx, { experiment_id, actor, jobs });
  return {
    dry_run: false,
    created: jobs.count,
    from: made.first_number,
    to: made.first_number + jobs.count - 1,
    replaced,
    ...made.matrix,
    sample: samples(jobs),
    variables: { ...jobs.template.variables },
  };
}

async function make(tx: Transaction, { experiment_id, actor, jobs }: { experiment_id: number; actor: string; jobs: NewJobs }) {
  if ('matrix' in jobs) {
    const matrix = await createMatrix(tx, { experiment_id, matrix: jobs.matrix, template: jobs.template, actor });
    return { first_number: matrix.first_number, matrix: { matrix_id: matrix.id, expanding: matrix.expanded < matrix.size } };
  }
  const block = await takeNumbers(tx, experiment_id, jobs.count);
  await insertJobs(tx, { experiment_id, template: jobs.template, matrix_id: null, block, params: jobs.list, actor });
  return { first_number: block.first_number, matrix: { matrix_id: null, expanding: false } };
}

function samples(jobs: NewJobs) {
  return jobs.sample.map((params) => ({ ...params })) as Record<string, never>[];
}

async function preview(call: Call, body: CreateBody, jobs: NewJobs) {
  const { id } = namedExperiment(call);
  const replaced = body.replace_pending ? ((await readCounts(call.context.store, [id])).get(id)?.pending ?? 0) : 0;
  const expanding = 'matrix' in jobs && jobs.count > EXPANDED_AT_ONCE;
  return {
    dry_run: true,
    created: jobs.count,
    from: null,
    to: null,
    replaced,
    matrix_id: null,
    expanding,
    sample: samples(jobs),
    variables: { ...jobs.template.variables },
  };
}

/** Does something to one job, and refuses where the set version would only count a refusal. */
async function actOnOne(call: Call, number: number, action: JobAction, force = false): Promise<JobRecord> {
  const { id, name } = namedExperiment(call);
  const request: ActionRequest = { action, force, priority: 0, actor: actorName(call.actor) };
  await call.context.store.write(async (tx) => {
    const job = await findJob(tx, id, number);
    if (job === null) throw new Refusal('job_not_found', `There is no job ${name}/${number}.`);
    const { refused } = await actOnJobs(tx, id, { ranges: [{ from: number, to: number }] }, request);
    const [code] = Object.keys(refused) as (keyof typeof refused)[];
    if (code !== undefined) throw new Refusal(code, `Job ${name}/${number} is ${job.status}, so it cannot be ${PAST[action]}.`, { status: job.status });
  });
  return action === 'delete' ? (null as never) : jobOrRefuse(call, number);
}

/** A new command takes the variables of now; with other params the old command keeps what it has, and takes what it then lacks. */
async function editedVariables(tx: Transaction, call: Call, { number, edit }: { number: number; edit: JobEdit }): Promise<FrozenVariables> {
  const { id: experiment_id } = namedExperiment(call);
  const job = await findJob(tx, experiment_id, number);
  if (job === null || job.status !== 'pending') return NO_VARIABLES;
  const before = await frozenVariables(tx, job.id);
  const command = edit.command === undefined ? job.command : edit.command;
  const params = edit.params ?? job.params;
  const hidden = Object.keys(before).find((name) => Object.hasOwn(params, name) && !Object.hasOwn(job.params, name));
  if (hidden !== undefined && !mayBringCommands(call.actor)) {
    throw new Refusal(
      'forbidden',
      `The command takes {${hidden}} from a variable. A PIN session cannot put a param in its place; use an API key or the one-time link.`,
    );
  }
  return freezeVariables(tx, { experiment_id, command, jobs: [params], frozen: command === job.command ? before : NO_VARIABLES });
}

const PAST: Record<JobAction, string> = {
  cancel: 'cancelled',
  requeue: 'put back into the queue',
  hold: 'held',
  unhold: 'let go',
  delete: 'deleted: only pending jobs can be',
  forget: 'forgotten: only ended jobs can be',
  unforget: 'remembered',
  set_priority: 'given another priority',
  set_timeout: 'given another timeout',
  add_tags: 'tagged',
  remove_tags: 'untagged',
};

function one(action: JobAction): Handler<JobTable['hold']> {
  return async ({ params }: Input<JobTable['hold']>, call) => jobShape(await actOnOne(call, params.number, action));
}

export const jobHandlers: Handlers<typeof contract>['jobs'] = {
  ...bulkHandlers,
  clone: cloneJobs,
  async create({ body }, call) {
    refuseCommand(call, body.command);
    const asked = readNewJobs(body);
    const { store } = call.context;
    if (body.dry_run) return preview(call, body, await withVariables(store, call, asked));
    const route = `jobs.create ${namedExperiment(call).id}`;
    // What could be refused is refused before anything is deleted.
    if (body.replace_pending && !(await wasWritten(call, route))) await withVariables(store, call, asked);
    const replacing = body.replace_pending ? await replaceMost(call, route) : null;
    return writeOnce(call, route, body, (tx) => createInTransaction(tx, call, { asked, replacing }));
  },
  async list({ query }, call) {
    const { id } = namedExperiment(call);
    const { sort, order, limit, cursor = null } = query;
    const [page, count] = await readFiltered(call, query, (filter) =>
      Promise.all([listJobs(call.context.store, id, { filter, sort, order, limit, cursor }), total(call, filter)]),
    );
    const workers = await readWorkerMachines(call.context.store, [...new Set(page.jobs.flatMap(({ worker_id }) => (worker_id === null ? [] : [worker_id])))]);
    return { jobs: page.jobs.map(jobShape), next_cursor: page.next_cursor, total: count, workers };
  },
  export: exportJobs,
  async get({ params }, call) {
    const job = await jobOrRefuse(call, params.number);
    const attempts = await listAttempts(call.context.store, job.id);
    return { job: jobShape(job), attempts: attempts.map(attemptShape), variables: { ...(await frozenVariables(call.context.store, job.id)) } };
  },
  async wait({ params }, call) {
    await jobOrRefuse(call, params.number);
    const { store, clock } = call.context;
    return { wait: await readWait(store, { experiment_id: namedExperiment(call).id, number: params.number, now: clock.now() }) };
  },
  async edit({ params, body }, call) {
    const { id } = namedExperiment(call);
    refuseCommand(call, body.command);
    const { params: newParams, revision, ...rest } = body;
    if (newParams !== undefined) {
      const problem = paramsProblem(newParams);
      if (problem !== null) throw invalid(problem, 'params');
    }
    await jobOrRefuse(call, params.number);
    const edit = Object.fromEntries(Object.entries({ ...rest, params: newParams as Params | undefined, revision }).filter(([, value]) => value !== undefined));
    await call.context.store.write(async (tx) => {
      const variables = await editedVariables(tx, call, { number: params.number, edit });
      await editJob(tx, { experiment_id: id, number: params.number }, { ...edit, variables }, actorName(call.actor));
    });
    return jobShape(await jobOrRefuse(call, params.number));
  },
  async remove({ params }, call) {
    await actOnOne(call, params.number, 'delete');
    return { deleted: true };
  },
  async cancel({ params, body }, call) {
    return jobShape(await actOnOne(call, params.number, 'cancel', body.force));
  },
  requeue: one('requeue'),
  hold: one('hold'),
  unhold: one('unhold'),
};
