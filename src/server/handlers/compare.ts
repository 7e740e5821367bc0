// A few jobs side by side, as they travel.
import type { contract } from '../../contract/index.ts';
import { mergeRanges, parseRanges } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { Refusal } from '../../core/refusal.ts';
import { toIso } from '../../runtime/clock.ts';
import { readCurves, readLastValues } from '../../store/compare.ts';
import { listJobs } from '../../store/job-list.ts';
import type { JobRecord } from '../../store/job-rows.ts';
import { type Call, type Handlers, namedExperiment } from '../context.ts';
import { invalid } from '../new-jobs.ts';
import { jobShape } from '../wire.ts';

export const compareHandlers: Handlers<typeof contract>['compare'] = {
  async jobs({ query }, call) {
    const { jobs, missing } = await namedJobs(call, query.numbers);
    const values = await readLastValues(
      call.context.store,
      jobs.map(({ id }) => id),
    );
    const byName = new Map<string, Map<number, number | null>>();
    for (const { name, job_id, last } of values) byName.set(name, (byName.get(name) ?? new Map<number, number | null>()).set(job_id, last));
    const common = [...byName].sort(([a, left], [b, right]) => right.size - left.size || (a < b ? -1 : 1)).slice(0, LIMITS.compared_metrics.value);
    const metrics = common.map(([name, last]) => ({ name, last: jobs.map(({ id }) => last.get(id) ?? null) }));
    return { jobs: jobs.map(jobShape), missing, metrics };
  },
  async curves({ query }, call) {
    const { jobs } = await namedJobs(call, query.numbers);
    const curves = await readCurves(call.context.store, { job_ids: jobs.map(({ id }) => id), name: query.metric, points: query.points });
    const numberOf = new Map(jobs.map(({ id, number }) => [id, number]));
    return {
      metric: query.metric,
      curves: curves.map(({ job_id, attempt, total, points }) => ({
        ...{ number: numberOf.get(job_id)!, attempt, total },
        points: points.map(({ step, value, at }) => ({ step, value, at: toIso(at) })),
      })),
    };
  },
};

/** By number. */
async function namedJobs(call: Call, text: string): Promise<{ jobs: JobRecord[]; missing: number[] }> {
  const ranges = parseRanges(text);
  if (ranges === null) throw invalid(`${JSON.stringify(text.slice(0, 60))} is not a list of job numbers such as 1-3,7.`, 'numbers');
  const merged = mergeRanges(ranges);
  const limit = LIMITS.compared_jobs.value;
  if (merged.reduce((sum, { from, to }) => sum + to - from + 1, 0) > limit) throw new Refusal('too_many', `Compare at most ${limit} jobs at once.`);
  const { jobs } = await listJobs(call.context.store, namedExperiment(call).id, {
    filter: { ranges: merged },
    sort: 'number',
    order: 'asc',
    limit,
    cursor: null,
  });
  const found = new Set(jobs.map(({ number }) => number));
  const asked = merged.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
  return { jobs: [...jobs], missing: asked.filter((number) => !found.has(number)) };
}
