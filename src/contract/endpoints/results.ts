// What jobs leave behind: logs, files, checkpoints, metrics. Read by people, written with an attempt's own token.
import * as z from 'zod';

import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { Artifact, ArtifactName, Execution, ExperimentParams, JobParams, LatestValue, MetricName, Moment, oneOrMore } from '../schemas.ts';

const JOB_PATH = '/experiments/:experiment/jobs/:number';
const path = { experiment: 'digits-tune', number: 42 };

export const Stream = z.enum(['stdout', 'stderr']);

const exampleArtifact = {
  id: 7,
  name: 'result.json',
  kind: 'artifact',
  version: 0,
  attempt: 1,
  rank: 0,
  size_bytes: 96,
  sha256: 'b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184',
  created_at: '2026-11-21T08:30:09.000Z',
  superseded: false,
};

/** What the original library's `jd_upload` returns, so that its callers need no change. */
const Stored = z.object({ success: z.literal(true), filename: z.string(), version: z.int(), size_bytes: z.int() });

const LogQuery = z.object({
  attempt: z.coerce.number().int().min(1).optional().describe('default: the newest'),
  rank: z.coerce.number().int().min(0).default(0),
  stream: Stream.default('stdout'),
});

export const results = {
  log: endpoint({
    method: 'GET',
    path: `${JOB_PATH}/log`,
    summary: 'Bytes of a log, exactly as the job wrote them',
    description:
      '`from` counts from the start of the stream; negative, from its end. Headers: `Drover-Log-From`, `Drover-Log-Size` (end of what has arrived), `Drover-Log-Live` (true while more may come), `Drover-Log-Holes` (`from-to` byte ranges that were dropped; they are skipped in the body). With `follow=true` the reply goes on until the attempt ends.',
    access: 'viewer',
    transport: 'download',
    params: JobParams,
    query: LogQuery.extend({
      from: z.coerce.number().int().default(0),
      length: z.coerce.number().int().min(0).max(LIMITS.log_read_bytes.value).optional(),
      follow: z.enum(['true', 'false']).default('false'),
    }),
    errors: ['experiment_not_found', 'job_not_found'],
    example: { params: path, query: { stream: 'stdout', from: -1000 } },
  }),
  logIndex: endpoint({
    method: 'GET',
    path: `${JOB_PATH}/log/index`,
    summary: 'When the pieces of a log arrived, to merge stdout and stderr and to show times',
    access: 'viewer',
    params: JobParams,
    query: LogQuery.pick({ attempt: true, rank: true }),
    reply: z.object({
      pieces: z.array(z.object({ stream: Stream, offset: z.int(), length: z.int(), at: Moment, dropped: z.boolean() })),
    }),
    errors: ['experiment_not_found', 'job_not_found'],
    example: { params: path, reply: { pieces: [{ stream: 'stdout', offset: 0, length: 80, at: '2026-11-21T08:30:01.000Z', dropped: false }] } },
  }),
  logSearch: endpoint({
    method: 'GET',
    path: `${JOB_PATH}/log/search`,
    summary: 'Lines of a log that hold a text, as people read them: without regard for case, colour codes or progress that was drawn over',
    description:
      'One call looks at a bounded piece of the log; ask again with `from` = `next_from` until that is `size`. While the attempt goes on, its last line waits for its end.',
    access: 'viewer',
    params: JobParams,
    query: LogQuery.extend({
      text: z
        .string()
        .min(1)
        .max(LIMITS.log_search_characters.value)
        .regex(/^[^\r\n]*$/, 'A text that is searched for has one line.'),
      from: z.coerce.number().int().min(0).default(0).describe('offset in the stream'),
    }),
    reply: z.object({
      matches: z.array(z.object({ offset: z.int().describe('where the line begins'), excerpt: z.string().describe('of the line, with the text in it') })),
      next_from: z.int(),
      size: z.int().describe('end of what has arrived'),
      live: z.boolean().describe('more may come'),
    }),
    errors: ['experiment_not_found', 'job_not_found'],
    example: {
      params: path,
      query: { text: 'error' },
      reply: { matches: [{ offset: 80, excerpt: 'RuntimeError: CUDA out of memory' }], next_from: 4_096, size: 4_096, live: false },
    },
  }),
  execution: endpoint({
    method: 'GET',
    path: `${JOB_PATH}/attempts/:attempt/execution`,
    summary: 'What was executed for an attempt: command line, place, versions and variables',
    description: 'As its agent told it when the attempt began. Never the token, and of the inherited environment only a few named variables.',
    access: 'viewer',
    params: JobParams.extend({ attempt: z.coerce.number().int().min(1) }),
    query: LogQuery.pick({ rank: true }),
    reply: z.object({ execution: Execution.nullable().describe('null: not told (yet)') }),
    errors: ['experiment_not_found', 'job_not_found'],
    example: {
      params: { ...path, attempt: 1 },
      reply: {
        execution: {
          arguments: ['/srv/ada/venv/bin/python', '/srv/ada/tune/train.py', '--lr', '0.1'],
          cut: false,
          process_id: 4711,
          host: 'gpunode',
          user: 'ada',
          working_directory: '/srv/ada/tune',
          script: '/srv/ada/tune/train.py',
          interpreter: '/srv/ada/venv/bin/python',
          interpreter_version: 'Python 3.12.4',
          agent_version: '0.1.0',
          platform: 'linux x64, node 20.20.2',
          variables: { CUDA_VISIBLE_DEVICES: '0', JD_ATTEMPT: '1', JD_JOB_ID: '42' },
        },
      },
    },
  }),
  artifacts: endpoint({
    method: 'GET',
    path: `${JOB_PATH}/artifacts`,
    summary: 'Files and checkpoints of a job, newest version first',
    access: 'viewer',
    params: JobParams,
    query: z.object({ kind: z.enum(['artifact', 'checkpoint']).optional() }),
    reply: z.object({ artifacts: z.array(Artifact) }),
    errors: ['experiment_not_found', 'job_not_found'],
    example: { params: path, reply: { artifacts: [exampleArtifact] } },
  }),
  download: endpoint({
    method: 'GET',
    path: `${JOB_PATH}/artifacts/:name`,
    summary: 'Download a file (or, with kind=checkpoint, a checkpoint); the latest version unless told otherwise',
    access: 'viewer',
    transport: 'download',
    params: JobParams.extend({ name: ArtifactName }),
    query: z.object({
      version: z.coerce.number().int().min(0).optional(),
      kind: z.enum(['artifact', 'checkpoint']).default('artifact'),
    }),
    errors: ['experiment_not_found', 'job_not_found', 'artifact_not_found', 'range_not_satisfiable'],
    example: { params: { ...path, name: 'result.json' } },
  }),
  metricNames: endpoint({
    method: 'GET',
    path: `${JOB_PATH}/metrics`,
    summary: 'The metrics of a job with their last, least and greatest values',
    access: 'viewer',
    params: JobParams,
    query: z.object({ attempt: z.coerce.number().int().min(1).optional() }),
    reply: z.object({
      metrics: z.array(
        z.object({
          name: z.string(),
          points: z.int(),
          last: z.number().nullable().describe('null: not a finite number'),
          min: z.number().nullable().describe('null: no value was a finite number'),
          max: z.number().nullable(),
          last_step: z.number().nullable(),
        }),
      ),
    }),
    errors: ['experiment_not_found', 'job_not_found'],
    example: {
      params: path,
      reply: { metrics: [{ name: 'validation_accuracy', points: 30, last: 0.96, min: 0.41, max: 0.97, last_step: 29 }] },
    },
  }),
  metricSeries: endpoint({
    method: 'GET',
    path: `${JOB_PATH}/metrics/series`,
    summary: 'Points of one metric, thinned to at most `points` while first, last and extremes stay',
    access: 'viewer',
    params: JobParams,
    query: z.object({
      name: MetricName,
      attempt: z.coerce.number().int().min(1).optional().describe('default: all attempts'),
      rank: z.coerce.number().int().min(0).default(0),
      points: z.coerce.number().int().min(4).max(LIMITS.metric_read_points.value).default(1_000),
    }),
    reply: z.object({
      name: z.string(),
      total: z.int().describe('points before thinning'),
      series: z.array(
        z.object({
          attempt: z.int(),
          points: z.array(z.object({ step: z.number().nullable(), value: z.number().nullable().describe('null: not a finite number'), at: Moment })),
        }),
      ),
    }),
    errors: ['experiment_not_found', 'job_not_found'],
    example: {
      params: path,
      query: { name: 'validation_accuracy' },
      reply: { name: 'validation_accuracy', total: 1, series: [{ attempt: 1, points: [{ step: 0, value: 0.41, at: '2026-11-21T08:30:01.000Z' }] }] },
    },
  }),
  latestMetrics: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/metrics',
    summary: 'The latest values of some metrics of some jobs',
    description: 'Of the newest attempt of each job, and of its first rank.',
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({
      numbers: z
        .string()
        .min(1)
        .max(20_000)
        .describe(`ranges of job numbers, e.g. 1-27,30; at most ${LIMITS.page_items.value.toLocaleString('en-US')} jobs`),
      metric: oneOrMore(MetricName, LIMITS.latest_metrics.value).describe('repeated for several'),
    }),
    reply: z.object({
      metrics: z.array(z.string()).describe('in the order of `values`'),
      jobs: z.array(
        z.object({
          number: z.int(),
          attempt: z.int().describe('the newest attempt; 0 for none'),
          values: z.array(LatestValue),
        }),
      ),
    }),
    errors: ['experiment_not_found', 'too_many'],
    example: {
      params: { experiment: 'digits-tune' },
      query: { numbers: '1-50', metric: ['validation_accuracy', 'loss'] },
      reply: { metrics: ['validation_accuracy', 'loss'], jobs: [{ number: 42, attempt: 1, values: [0.96, null] }] },
    },
  }),
  storeArtifact: endpoint({
    method: 'PUT',
    path: '/attempt/artifacts/:name',
    summary: 'Upload a file of the running job; the body is the file',
    description:
      'Authorised by the token in `JD_WORKER_TOKEN`. The same name again becomes the next version; with the same `Idempotency-Key` it is the same version.',
    access: 'attempt',
    transport: 'upload',
    params: z.object({ name: ArtifactName }),
    reply: Stored,
    errors: ['too_large', 'too_slow', 'disk_full', 'too_many'],
    example: { params: { name: 'result.json' }, reply: { success: true, filename: 'result.json', version: 0, size_bytes: 96 } },
  }),
  storeCheckpoint: endpoint({
    method: 'PUT',
    path: '/attempt/checkpoint',
    summary: 'Save the state of the running job; the body is the state',
    access: 'attempt',
    transport: 'upload',
    reply: Stored,
    errors: ['too_large', 'too_slow', 'disk_full', 'too_many'],
    example: { reply: { success: true, filename: 'checkpoint', version: 3, size_bytes: 4096 } },
  }),
  latestCheckpoint: endpoint({
    method: 'GET',
    path: '/attempt/checkpoint',
    summary: 'The latest saved state of the job, from any attempt that spoke for it; 404 if there is none',
    description: 'Headers `Drover-Checkpoint-Version`, and `Drover-Checkpoint-At` (milliseconds since 1970, by the server).',
    access: 'attempt',
    transport: 'download',
    query: z.object({
      before: z.coerce.number().int().min(0).optional().describe('the latest one below this version: for a script that could not read that one'),
    }),
    errors: ['artifact_not_found'],
    example: {},
  }),
};
