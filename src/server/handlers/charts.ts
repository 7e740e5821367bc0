// Charts: what the store adds up, as it travels.
import type { contract } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { BUCKET_MS, timeBuckets } from '../../core/time-buckets.ts';
import { toIso } from '../../runtime/clock.ts';
import { readActivity } from '../../store/chart-activity.ts';
import { readChartFields } from '../../store/chart-fields.ts';
import { type MachineRecord, readFailuresByValue, readMachines } from '../../store/chart-machines.ts';
import { readReplicates, readResults } from '../../store/chart-results.ts';
import { type Call, type Handlers, namedExperiment } from '../context.ts';
import { readFilter } from '../job-filter.ts';

const MINUTE = 60_000;

export const chartHandlers: Handlers<typeof contract>['charts'] = {
  async fields(_input, call) {
    const { params, metrics } = await readChartFields(call.context.store, idOf(call));
    return { params: params.map(({ least, greatest, ...field }) => ({ ...field, min: least, max: greatest })), metrics: [...metrics] };
  },
  async activity({ query }, call) {
    const now = call.context.clock.now();
    const { bucket, split = null, machine = null } = query;
    const until = query.until === undefined ? now : Date.parse(query.until);
    const buckets = timeBuckets({ bucket, count: query.buckets, until, shift: query.offset_minutes * MINUTE });
    const activity = await readActivity(call.context.store, { experiment_id: idOf(call), buckets, split, machine, now });
    return {
      from: toIso(buckets[0]!.from),
      to: toIso(buckets.at(-1)!.to),
      now: toIso(now),
      bucket_seconds: BUCKET_MS[bucket] / 1000,
      buckets: activity.buckets.map(({ at, ...counts }) => ({ at: toIso(at), ...counts })),
      series: activity.series.map(({ name, ended }) => ({ name, ended: [...ended] })),
      left_out: activity.left_out,
      sampled: activity.sampled,
      last_finished_at: moment(activity.last_finished_at),
    };
  },
  async machines({ query }, call) {
    const { machines, ...rest } = await readMachines(call.context.store, {
      experiment_id: idOf(call),
      grouping: query.by,
      filter: await readFilter(call, query),
    });
    return { machines: machines.map(machineShape), ...rest };
  },
  async failures({ query }, call) {
    const { values, ...rest } = await readFailuresByValue(call.context.store, {
      experiment_id: idOf(call),
      param: query.param,
      filter: await readFilter(call, query),
    });
    return { param: query.param, values: values.map(({ value, ...counts }) => ({ value: cell(value), ...counts })), ...rest };
  },
  async results({ query }, call) {
    const { metric: metrics, value: reduction, goal, param: params } = query;
    const request = { experiment_id: idOf(call), metrics, reduction, goal, params, filter: await readFilter(call, { search: query.search }) };
    const { jobs, ...rest } = await readResults(call.context.store, request);
    return { metrics, params, jobs: jobs.map((job) => ({ ...job, params: job.params.map(cell), values: [...job.values] })), ...rest };
  },
  async replicates({ query }, call) {
    const { metric, seed, value: reduction, goal } = query;
    const params = query.param.filter((name) => name !== seed);
    const request = { experiment_id: idOf(call), metric, seed, reduction, goal, params, filter: await readFilter(call, { search: query.search }) };
    const { groups, ...rest } = await readReplicates(call.context.store, request);
    return {
      params,
      groups: groups.map(({ confidence, least, greatest, ...group }) => ({
        ...group,
        params: group.params.map(cell),
        deviation: confidence?.deviation ?? null,
        margin: confidence?.margin ?? null,
        min: least,
        max: greatest,
      })),
      ...rest,
    };
  },
};

function idOf(call: Call): number {
  return namedExperiment(call).id;
}

function moment(at: number | null): string | null {
  return at === null ? null : toIso(at);
}

function machineShape({ attempts, busy_ms, durations, first_started_at, last_finished_at, ...counts }: MachineRecord) {
  return {
    ...counts,
    failed_attempts: attempts,
    busy_seconds: busy_ms / 1000,
    durations:
      durations === null
        ? null
        : {
            count: durations.count,
            min: durations.least,
            lower_quartile: durations.lower_quartile,
            median: durations.median,
            upper_quartile: durations.upper_quartile,
            max: durations.greatest,
            mean: durations.mean,
          },
    first_started_at: moment(first_started_at),
    last_finished_at: moment(last_finished_at),
  };
}

/** A param from its JSON, which may have been cut. */
function cell(json: string | null): string | number | boolean | null {
  if (json === null) return null;
  try {
    const value: unknown = JSON.parse(json);
    if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
    return typeof value === 'string' ? cut(value) : cut(json);
  } catch {
    return cut(json.startsWith('"') ? json.slice(1) : json);
  }
}

function cut(text: string): string {
  const most = LIMITS.chart_text_characters.value;
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
