// Jobs as a file, written while it is sent. What can be refused is found before the first byte.
import type { contract, Input } from '../../contract/index.ts';
import { csvCell, csvLine, type CsvCell } from '../../core/csv.ts';
import { LIMITS } from '../../core/limits.ts';
import { plainText, type ParamValue } from '../../core/params.ts';
import { Refusal } from '../../core/refusal.ts';
import { toIso } from '../../runtime/clock.ts';
import { readParamNames } from '../../store/chart-fields.ts';
import { type ExportedJob, exportJobs as readExport } from '../../store/job-export.ts';
import type { JobRecord } from '../../store/job-rows.ts';
import type { LatestValue } from '../../store/metric-latest.ts';
import { type Call, namedExperiment } from '../context.ts';
import { attachment, byteStream, HARMLESS } from '../downloads.ts';
import { readFilter } from '../job-filter.ts';
import { jobShape } from '../wire.ts';

type Query = Input<(typeof contract)['jobs']['export']>['query'];

const TYPES = { csv: 'text/csv; charset=utf-8', jsonl: 'application/x-ndjson; charset=utf-8' } as const;
const MARK = '\uFEFF';

export async function exportJobs({ query }: { readonly query: Query }, call: Call): Promise<Response> {
  const { id, name } = namedExperiment(call);
  const { store, stopping } = call.context;
  const { format, metric: metrics } = query;
  const writer = format === 'csv' ? csvWriter(await paramNames(call, id), metrics, query.mark === 'true') : jsonWriter(metrics);
  const pieces = readExport(store, id, { filter: await readFilter(call, query), metrics });
  const first = await pieces.next();
  return new Response(
    byteStream(() => written({ pieces, first, writer, stopping })),
    { headers: { ...HARMLESS, 'content-type': TYPES[format], 'content-disposition': attachment(`${name}-jobs.${format}`) } },
  );
}

interface Writer {
  readonly head: string;
  readonly line: (exported: ExportedJob) => string;
}

interface Written {
  readonly pieces: AsyncGenerator<ExportedJob[]>;
  readonly first: IteratorResult<ExportedJob[]>;
  readonly writer: Writer;
  readonly stopping: AbortSignal;
}

async function* written({ pieces, first, writer, stopping }: Written): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  if (writer.head !== '') yield encoder.encode(writer.head);
  for (let piece = first; piece.done !== true; piece = await pieces.next()) {
    yield encoder.encode(piece.value.map(writer.line).join(''));
    stopping.throwIfAborted();
  }
}

async function paramNames(call: Call, experimentId: number): Promise<string[]> {
  const most = LIMITS.export_params.value;
  const names = await readParamNames(call.context.store, experimentId, most + 1);
  if (names.length > most) {
    throw new Refusal('too_many', `The jobs of this experiment have more than ${most.toLocaleString('en-US')} different params. Export JSON lines instead.`);
  }
  return names;
}

const FACTS: Readonly<Record<string, (job: JobRecord) => CsvCell>> = {
  outcome: (job) => job.outcome,
  attempts: (job) => job.attempts,
  duration_seconds: (job) => (job.duration_ms === null ? null : job.duration_ms / 1000),
  created_at: (job) => toIso(job.created_at),
  started_at: (job) => moment(job.started_at),
  finished_at: (job) => moment(job.finished_at),
  worker_id: (job) => job.worker_id,
  machine_class: (job) => job.machine_class,
  priority: (job) => job.priority,
  tags: (job) => (job.tags.length === 0 ? null : job.tags.join(', ')),
  matrix_id: (job) => job.matrix_id,
  progress_done: (job) => job.progress_done,
  progress_total: (job) => job.progress_total,
  exit_code: (job) => job.exit_code,
  signal: (job) => job.signal,
  message: (job) => job.message,
  results_dir: (job) => job.results_dir,
};

function csvWriter(names: readonly string[], metrics: readonly string[], marked: boolean): Writer {
  const head = ['number', 'status', ...names.map((name) => `params.${name}`), ...metrics.map((name) => `metrics.${name}`), ...Object.keys(FACTS)];
  const facts = Object.values(FACTS);
  const places = new Map(names.map((name, place) => [name, place]));
  return {
    head: (marked ? MARK : '') + csvLine(head),
    line: ({ job, values }) =>
      `${job.number},${csvCell(job.status)}${paramCells(job.params, places)},${csvLine([...values.map(metricCell), ...facts.map((fact) => fact(job))])}`,
  };
}

/** Each with the comma before it. Of thousands of columns a job fills a few, so the empty ones are written in one stroke. */
function paramCells(params: JobRecord['params'], places: ReadonlyMap<string, number>): string {
  const own = Object.entries(params).flatMap(([name, value]) => {
    const place = places.get(name);
    return place === undefined ? [] : [{ place, value }];
  });
  let text = '';
  let at = 0;
  for (const { place, value } of own.sort((a, b) => a.place - b.place)) {
    text += `${','.repeat(place + 1 - at)}${csvCell(paramCell(value))}`;
    at = place + 1;
  }
  return text + ','.repeat(places.size - at);
}

function paramCell(value: ParamValue): CsvCell {
  return typeof value === 'number' ? value : plainText(value);
}

function metricCell(value: LatestValue): CsvCell {
  return value === 'not_finite' ? 'NaN' : value;
}

function moment(at: number | null): string | null {
  return at === null ? null : toIso(at);
}

function jsonWriter(metrics: readonly string[]): Writer {
  return {
    head: '',
    line: ({ job, values }) => {
      const measured = metrics.length === 0 ? {} : { metrics: Object.fromEntries(metrics.map((name, index) => [name, values[index] ?? null])) };
      return `${JSON.stringify({ ...jobShape(job), ...measured })}\n`;
    },
  };
}
