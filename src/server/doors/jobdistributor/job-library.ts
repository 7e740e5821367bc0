// The calls of JobDistributor's job library: create, list, statuses, uploads, counts. The experiment is that of the worker token.
import * as z from 'zod';

import { contract } from '../../../contract/index.ts';
import { JOB_STATUSES, type JobStatus } from '../../../core/job.ts';
import { LIMITS } from '../../../core/limits.ts';
import { Refusal } from '../../../core/refusal.ts';
import { findArtifact, listArtifacts } from '../../../store/artifacts.ts';
import { countDoorJobs, doorJobs, type DoorJobQuestion } from '../../../store/door-jobs.ts';
import { readCounts } from '../../../store/experiments.ts';
import { findJob, type JobRecord } from '../../../store/job-rows.ts';
import { requireRole } from '../../access.ts';
import { fileResponse } from '../../downloads.ts';
import { jobHandlers } from '../../handlers/jobs.ts';

import { type DoorCaller, tokenCaller, workerCaller } from './caller.ts';
import { type DoorCall, ownCall, readJson, readQuery } from './door-call.ts';
import { versionedName } from './files.ts';
import { jobRows, seconds, STATUS_WORDS } from './job-rows.ts';

async function libraryCaller({ api, c }: DoorCall, role: 'viewer' | 'operator'): Promise<DoorCaller> {
  const caller = await tokenCaller(api.context, c.req.header('authorization'));
  requireRole(caller.actor, role, 'one_experiment');
  return caller;
}

const Seconds = z.number().positive().max(31_536_000).nullish();
const Create = z.object({
  parameters: z.record(z.string(), z.unknown()).nullish(),
  jobs: z.array(z.record(z.string(), z.unknown())).max(LIMITS.create_jobs.value).nullish(),
  replace: z.boolean().default(false),
  /** Settings of that server's own cleaner; ours are those of the experiment. */
  idle_timeout: Seconds,
  aborted_job_reset_timeout: Seconds,
});

export async function handleCreate(call: DoorCall): Promise<object> {
  const caller = await libraryCaller(call, 'operator');
  const { parameters, jobs, replace } = await readJson(call, Create, true);
  const asked =
    jobs === undefined || jobs === null
      ? { matrix: parameters ?? undefined, replace_pending: replace }
      : { matrix: parameters ?? undefined, jobs: jobs.map((params) => ({ params })), replace_pending: replace };
  const body = contract.jobs.create.body.safeParse(asked);
  if (!body.success) throw new Refusal('invalid_input', body.error.issues[0]?.message ?? 'These are no jobs.');
  const made = await jobHandlers.create(
    { params: { experiment: caller.experiment.name }, query: {}, body: body.data },
    ownCall(call, caller.actor, caller.experiment),
  );
  const action = replace || made.from === 1 ? 'Created' : 'Appended';
  return { success: true, message: `${action} ${made.created} jobs`, total_jobs: made.created, action, start_id: made.from };
}

const WORDS = new Map<string, JobStatus>(JOB_STATUSES.map((status) => [STATUS_WORDS[status], status]));
const Ids = z
  .string()
  .max(20 * LIMITS.page_items.value)
  .regex(/^\s*\d{1,15}(\s*,\s*\d{1,15})*\s*$/, 'they must be numbers of jobs, separated by commas')
  .transform((text) => [...new Set(text.split(',').map(Number))])
  .refine((ids) => ids.length <= LIMITS.page_items.value, `they may be at most ${LIMITS.page_items.value}`);
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'it must be a whole number')
    .transform(Number)
    .pipe(z.int().min(least).max(most));
const ListQuery = z.object({
  page: whole(1, 100_000_000).default(1),
  per_page: whole(1, LIMITS.page_items.value).default(50),
  status: z.string().max(20).optional(),
  search: z.string().max(LIMITS.search_characters.value).optional(),
  search_job_id: z.string().max(LIMITS.search_characters.value).optional(),
  ids: z.union([z.literal(''), Ids]).optional(),
});

export async function handleList(call: DoorCall): Promise<object> {
  const { experiment } = await libraryCaller(call, 'viewer');
  const query = readQuery(call, ListQuery);
  const { store } = call.api.context;
  const question = questionOf(experiment.id, query);
  if (question === null) return { jobs: [], total_count: 0, total_pages: 0, current_page: query.page, per_page: query.per_page };
  const page = { limit: query.per_page, offset: (query.page - 1) * query.per_page };
  const [jobs, total] = await Promise.all([doorJobs(store, question, page), totalOf(call, question)]);
  const total_pages = Math.ceil(total / query.per_page);
  return { jobs: await jobRows(store, jobs), total_count: total, total_pages, current_page: query.page, per_page: query.per_page };
}

/** Null: nothing can be found, as of jobs that are DELETED, which are not kept. */
function questionOf(experiment_id: number, query: z.output<typeof ListQuery>): DoorJobQuestion | null {
  const { status: word = '', ids = '' } = query;
  const status = word === '' ? null : WORDS.get(word.toUpperCase());
  if (status === undefined) return null;
  const none = { experiment_id, status, numbers: null, worker: null };
  if (ids !== '') return { ...none, numbers: ids };
  const search = (query.search ?? query.search_job_id ?? '').trim();
  if (search === '') return none;
  return /^\d{1,15}$/.test(search) ? { ...none, numbers: [Number(search)] } : { ...none, worker: search };
}

/** Kept counters where they say it. */
async function totalOf(call: DoorCall, question: DoorJobQuestion): Promise<number> {
  const { store } = call.api.context;
  if (question.numbers !== null || question.worker !== null) return countDoorJobs(store, question);
  const counts = (await readCounts(store, [question.experiment_id])).get(question.experiment_id)!;
  return question.status === null ? counts.total : counts[question.status];
}

const StatusesQuery = z.object({ ids: Ids });

export async function handleStatuses(call: DoorCall): Promise<object> {
  const { experiment } = await libraryCaller(call, 'viewer');
  const { ids } = readQuery(call, StatusesQuery);
  const question = { experiment_id: experiment.id, status: null, numbers: ids, worker: null };
  const jobs = await doorJobs(call.api.context.store, question, { limit: ids.length, offset: 0 });
  return { statuses: Object.fromEntries(jobs.map(({ number, status }) => [String(number), STATUS_WORDS[status]])) };
}

export async function handleCounts(call: DoorCall): Promise<object> {
  const { authorization } = Object.fromEntries(call.c.req.raw.headers);
  const { experiment } = authorization === undefined ? await workerCaller(call.api, call.c, call.gate) : await libraryCaller(call, 'viewer');
  const counts = (await readCounts(call.api.context.store, [experiment.id])).get(experiment.id)!;
  return { ...Object.fromEntries(JOB_STATUSES.map((status) => [STATUS_WORDS[status], counts[status]])), DELETED: 0 };
}

async function jobOf(call: DoorCall): Promise<{ caller: DoorCaller; job: JobRecord }> {
  const caller = await libraryCaller(call, 'viewer');
  const told = call.c.req.param('id') ?? '';
  const job = /^\d{1,15}$/.test(told) ? await findJob(call.api.context.store, caller.experiment.id, Number(told)) : null;
  if (job === null) throw new Refusal('job_not_found', `There is no job ${told.slice(0, 20)} in ${caller.experiment.name}.`);
  return { caller, job };
}

export async function handleUploads(call: DoorCall): Promise<object> {
  const { job } = await jobOf(call);
  const files = await listArtifacts(call.api.context.store, job.id, 'artifact');
  const uploads = files.map(({ name, version, size_bytes, created_at }) => ({
    ...{ job_id: job.number, version, filename: versionedName(name, version), size_bytes, uploaded_at: seconds(created_at) },
    format: /\.([^.]+)$/.exec(name)?.[1] ?? '',
  }));
  return { job_id: job.number, uploads, max_preview_bytes: LIMITS.preview_text_bytes.value };
}

const FileName = z.string().min(1).max(LIMITS.name_characters.value);
const DownloadQuery = z.object({ filename: FileName.optional(), name: FileName.optional() });

export async function handleDownload(call: DoorCall): Promise<Response> {
  const { caller, job } = await jobOf(call);
  const query = readQuery(call, DownloadQuery);
  const name = query.filename ?? query.name;
  if (name === undefined) throw new Refusal('invalid_input', '"filename" in the query string: It is missing.');
  const { store } = call.api.context;
  const latest = await findArtifact(store, { job_id: job.id, kind: 'artifact', name });
  // Not the name of a file, but perhaps that of a version of one, as the list tells it.
  const found = latest ?? (await listArtifacts(store, job.id, 'artifact')).find((file) => versionedName(file.name, file.version) === name) ?? null;
  if (found === null) throw new Refusal('artifact_not_found', `Job ${job.number} has no file ${name}.`);
  return fileResponse(ownCall(call, caller.actor, caller.experiment), store.blobs, found);
}
