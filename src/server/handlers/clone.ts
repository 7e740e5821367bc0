// Copies of jobs: found first, then made in one commit, with the cancelling of those that they replace.
import type { contract, Input } from '../../contract/index.ts';
import { formatRanges, toRanges } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { Refusal } from '../../core/refusal.ts';
import { ALL, jobNumbers } from '../../store/bulk-selection.ts';
import { cloneInto } from '../../store/clone-jobs.ts';
import { actOnJobs } from '../../store/job-actions.ts';
import { actorName, type Call, namedExperiment } from '../context.ts';
import { writeOnce } from '../idempotency.ts';
import { readFilter } from '../job-filter.ts';

type Clone = (typeof contract)['jobs']['clone'];

const ENDS = ['pending', 'running'] as const;

export async function cloneJobs({ body }: Pick<Input<Clone>, 'body'>, call: Call) {
  const { id: experiment_id, name } = namedExperiment(call);
  const filter = await readFilter(call, body.filter);
  const most = LIMITS.cloned_jobs.value;
  const numbers = await jobNumbers(call.context.store, experiment_id, filter, { after: 0, up_to: ALL, limit: most + 1 });
  if (numbers.length * body.times > most) {
    throw new Refusal('too_many', `At most ${most.toLocaleString('en-US')} copies are made at once. Name fewer jobs, or fewer copies of each.`);
  }
  const actor = actorName(call.actor);
  return writeOnce(call, `jobs.clone ${experiment_id}`, body, async (tx) => {
    // First the copies: should they be refused, the jobs go on.
    const made = await cloneInto(tx, { experiment_id, numbers, times: body.times, actor });
    if (made.cloned.length === 0 && body.filter.numbers !== undefined) throw new Refusal('job_not_found', `There is no job ${name}/${body.filter.numbers}.`);
    const ended = body.restart
      ? await actOnJobs(tx, experiment_id, { statuses: ENDS, numbers: made.cloned }, { action: 'cancel', force: body.force, priority: 0, actor })
      : null;
    const ranges = (all: readonly number[]): string => formatRanges(toRanges(all));
    return { created: made.created, from: made.from, to: made.to, cloned: ranges(made.cloned), cancelled: ranges(ended?.changed ?? []) };
  });
}
