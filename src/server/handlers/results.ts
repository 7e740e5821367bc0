// What jobs leave behind: logs, metrics, files and checkpoints. Jobs write with the token of their attempt, people read.
import type { contract, Input } from '../../contract/index.ts';
import { Refusal } from '../../core/refusal.ts';
import { toIso } from '../../runtime/clock.ts';
import { randomId } from '../../runtime/ids.ts';
import {
  type ArtifactKind,
  type ArtifactRecord,
  CHECKPOINT_NAME,
  checkArtifactName,
  findArtifact,
  listArtifacts,
  proveAttempt,
  storeArtifact,
} from '../../store/artifacts.ts';
import { findExecution } from '../../store/executions.ts';
import { type LogState, type LogStream, readLogState, type StreamName, STREAMS } from '../../store/log-chunks.ts';
import { type LogPieceMoment, readLogIndex } from '../../store/log-index.ts';
import { type LogView, readLogBytes, viewLog } from '../../store/log-reading.ts';
import { searchLog } from '../../store/log-search.ts';
import { findMeasured, readLatestMetrics } from '../../store/metric-latest.ts';
import { readMetricSeries, readMetricSummaries } from '../../store/metric-reading.ts';
import { actorName, type Call, type Handlers, namedExperiment } from '../context.ts';
import { byteStream, fileResponse, HARMLESS, parseRange, rangeRefused } from '../downloads.ts';
import { readNumbers } from '../job-filter.ts';
import { followLog, mayGrow } from '../log-follow.ts';
import { uploadBody } from '../upload-body.ts';

import { jobOrRefuse } from './jobs.ts';

type ResultTable = (typeof contract)['results'];
type LogQuery = Pick<Input<ResultTable['log']>['query'], 'attempt' | 'rank'>;

/** Pieces of one stream in an index: enough for a scroll bar, few enough for a phone. */
const INDEX_PIECES = 2_000;

/** The stream that a question names; attempt 0 while the job has had none. */
async function findStream(call: Call, number: number, query: LogQuery & { stream: StreamName }): Promise<{ stream: LogStream; state: LogState }> {
  const job = await jobOrRefuse(call, number);
  const stream = { job_id: job.id, attempt: query.attempt ?? job.attempts, rank: query.rank, stream: STREAMS[query.stream] };
  const state = await readLogState(call.context.store, stream);
  if (state === null) throw new Refusal('job_not_found', `The job ${job.experiment}/${number} was deleted.`);
  if (state.attempt === null && stream.attempt > 0) {
    throw new Refusal(
      'not_found',
      `The job ${job.experiment}/${number} has had ${state.attempts} attempts; there is no attempt ${stream.attempt} with rank ${stream.rank}.`,
    );
  }
  return { stream, state };
}

function logHeaders(view: LogView, live: boolean): Record<string, string> {
  return {
    ...HARMLESS,
    'content-type': 'text/plain; charset=utf-8',
    'content-disposition': 'inline',
    'accept-ranges': 'bytes',
    'drover-log-from': String(view.range.from),
    'drover-log-size': String(view.size),
    'drover-log-live': String(live),
    'drover-log-holes': view.holes.map((hole) => `${hole.from}-${hole.to}`).join(','),
  };
}

async function log({ params, query }: Input<ResultTable['log']>, call: Call): Promise<Response> {
  const { store, clock } = call.context;
  const { stream, state } = await findStream(call, params.number, query);
  const live = mayGrow(state, clock.now());
  const view = await viewLog(store, { stream, from: query.from, length: query.length });
  const headers = logHeaders(view, live);
  const { from, to } = view.range;
  const isWhole = query.from === 0 && query.length === undefined;
  // An end may be on record a moment before the last output is: whoever asks for the whole log then gets the whole log.
  const isArriving = isWhole && live && state.attempt?.ended === true && !call.request.headers.has('range');
  if (query.follow === 'true' || isArriving) {
    const end = query.length === undefined ? Infinity : from + query.length;
    const stop = (gone: AbortSignal): AbortSignal => AbortSignal.any([gone, call.signal, call.context.stopping]);
    // A log that is followed from beyond its end begins when it gets there.
    const start = query.from > view.size ? query.from : from;
    return new Response(
      byteStream((gone) => followLog({ store, clock, stream, from: start, to: end, signal: stop(gone) })),
      { headers },
    );
  }
  const range = isWhole ? parseRange(call.request.headers.get('range'), view.size) : null;
  if (range === 'unsatisfiable') return rangeRefused(call, view.size);
  // Bytes that were dropped cannot be counted as served, so a range over a hole is answered with the whole.
  if (range !== null && view.holes.every((hole) => hole.to <= range.from || hole.from >= range.to)) {
    const part = { 'content-range': `bytes ${range.from}-${range.to - 1}/${live ? '*' : view.size}`, 'drover-log-from': String(range.from) };
    return new Response(
      byteStream(() => readLogBytes(store, store.blobs, { stream, ...range })),
      { status: 206, headers: { ...headers, ...part } },
    );
  }
  return new Response(
    byteStream(() => readLogBytes(store, store.blobs, { stream, from, to })),
    { headers },
  );
}

async function logIndex({ params, query }: Input<ResultTable['logIndex']>, call: Call) {
  const { store } = call.context;
  const pieces: { stream: StreamName; piece: LogPieceMoment; place: number }[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    const { stream } = await findStream(call, params.number, { ...query, stream: name });
    // The order within a stream counts even where a clock was set back.
    let place = -Infinity;
    for (const piece of await readLogIndex(store, store.blobs, { stream, most: INDEX_PIECES })) {
      place = Math.max(place, piece.at);
      pieces.push({ stream: name, piece, place });
    }
  }
  pieces.sort((a, b) => a.place - b.place);
  return { pieces: pieces.map(({ stream, piece: { offset, length, at, dropped } }) => ({ stream, offset, length, at: toIso(at), dropped })) };
}

function artifactShape(artifact: ArtifactRecord) {
  const { id, name, kind, version, attempt, rank, size_bytes, sha256, created_at, superseded } = artifact;
  return { id, name, kind, version, attempt, rank, size_bytes, sha256, created_at: toIso(created_at), superseded: superseded === 1 };
}

function attemptOf(call: Call) {
  if (call.actor.kind !== 'attempt') throw new Refusal('forbidden', 'Only a running job can do this, with the token in JD_WORKER_TOKEN.');
  const { job_id, attempt, rank, token } = call.actor;
  return { job_id, attempt, rank, token };
}

async function receive(call: Call, kind: ArtifactKind, name: string) {
  const { store } = call.context;
  const owner = attemptOf(call);
  checkArtifactName(name);
  await proveAttempt(store, store.key, owner);
  const upload_key = call.idempotency_key ?? randomId();
  const blob = await store.blobs.put(uploadBody(call));
  try {
    const upload = { owner, kind, name, blob, upload_key, actor: actorName(call.actor) };
    const { artifact, repeated, removed } = await store.write((tx) => storeArtifact(tx, store.key, upload));
    for (const key of repeated ? [blob.key] : removed) await store.blobs.remove(key);
    return { success: true as const, filename: artifact.name, version: artifact.version, size_bytes: artifact.size_bytes };
  } catch (error) {
    // After another fault nobody knows whether the row was committed; what is left over is found as an orphan.
    if (error instanceof Refusal) await store.blobs.remove(blob.key);
    throw error;
  }
}

async function latestCheckpoint(call: Call, before: number | undefined): Promise<Response> {
  const { store } = call.context;
  const owner = await proveAttempt(store, store.key, attemptOf(call));
  const checkpoint = await findArtifact(store, { job_id: owner.job_id, kind: 'checkpoint', name: CHECKPOINT_NAME, before });
  if (checkpoint === null)
    throw new Refusal(
      'artifact_not_found',
      before === undefined ? 'The job has no checkpoint yet: it starts from the beginning.' : 'The job has no earlier checkpoint.',
    );
  call.headers.set('drover-checkpoint-version', String(checkpoint.version));
  call.headers.set('drover-checkpoint-at', String(checkpoint.created_at));
  return fileResponse(call, store.blobs, checkpoint);
}

export const resultHandlers: Handlers<typeof contract>['results'] = {
  log,
  logIndex,
  async logSearch({ params, query }, call) {
    const { store, clock } = call.context;
    const { stream, state } = await findStream(call, params.number, query);
    const live = mayGrow(state, clock.now());
    const { text, from } = query;
    const monotonic = (): number => clock.monotonic();
    const found = await searchLog(store, store.blobs, { stream, text, from, may_grow: live, monotonic, signal: call.signal });
    return { ...found, matches: [...found.matches], live };
  },
  async execution({ params, query }, call) {
    const job = await jobOrRefuse(call, params.number);
    const found = await findExecution(call.context.store, { job_id: job.id, attempt: params.attempt, rank: query.rank });
    return { execution: found === null ? null : { ...found, arguments: [...found.arguments] } };
  },
  async artifacts({ params, query }, call) {
    const job = await jobOrRefuse(call, params.number);
    return { artifacts: (await listArtifacts(call.context.store, job.id, query.kind ?? null)).map(artifactShape) };
  },
  async download({ params, query }, call) {
    const job = await jobOrRefuse(call, params.number);
    const { kind, version } = query;
    const artifact = await findArtifact(call.context.store, { job_id: job.id, kind, name: params.name, version });
    if (artifact === null) {
      const which = version === undefined ? '' : ` in version ${version}`;
      throw new Refusal(
        'artifact_not_found',
        `The job ${job.experiment}/${params.number} has no ${kind === 'artifact' ? 'file' : kind} ${params.name}${which}.`,
      );
    }
    return fileResponse(call, call.context.store.blobs, artifact);
  },
  async metricNames({ params, query }, call) {
    const job = await jobOrRefuse(call, params.number);
    const metrics = await readMetricSummaries(call.context.store, job.id, query.attempt ?? null);
    return { metrics: metrics.map(({ name, points, last, least, greatest, last_step }) => ({ name, points, last, min: least, max: greatest, last_step })) };
  },
  async metricSeries({ params, query }, call) {
    const job = await jobOrRefuse(call, params.number);
    const { name, rank, points, attempt } = query;
    const { total, series } = await readMetricSeries(call.context.store, { job_id: job.id, name, rank, points, attempt: attempt ?? null });
    return {
      name,
      total,
      series: series.map((one) => ({ attempt: one.attempt, points: one.points.map(({ step, value, at }) => ({ step, value, at: toIso(at) })) })),
    };
  },
  async latestMetrics({ query }, call) {
    const jobs = await findMeasured(call.context.store, namedExperiment(call).id, readNumbers(query.numbers));
    const values = await readLatestMetrics(call.context.store, jobs, query.metric);
    return { metrics: query.metric, jobs: jobs.map(({ id, number, attempts }) => ({ number, attempt: attempts, values: values.get(id)! })) };
  },
  storeArtifact: ({ params }, call) => receive(call, 'artifact', params.name),
  storeCheckpoint: (_input, call) => receive(call, 'checkpoint', CHECKPOINT_NAME),
  latestCheckpoint: ({ query }, call) => latestCheckpoint(call, query.before),
};
