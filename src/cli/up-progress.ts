// The live line of `up`: how far everything is, until the end is asked for.
import type { Context } from './context.ts';
import { addProgress, emptyProgress, type ProgressLine } from './progress-line.ts';
import type { Serving } from './serving.ts';
import { wakeOnEvents, watchCounts } from './watch.ts';

interface Sum {
  readonly label: string;
  /** The experiments that have jobs. */
  readonly names: readonly string[];
  readonly running: number;
  readonly done: number;
  readonly aborted: number;
  readonly total: number;
}

export interface FollowOptions {
  readonly line: ProgressLine;
  readonly signal: AbortSignal;
  /** Null: all together. */
  readonly experiment: string | null;
}

export async function followProgress(context: Context, serving: Serving, { line, signal, experiment }: FollowOptions): Promise<void> {
  const { clock } = context.dependencies;
  let progress = emptyProgress();
  let announced = '';
  const read = async (): Promise<Sum> => sumOf((await serving.client.server.status({})).experiments, experiment);
  for await (const sum of watchCounts({ read, wake: wakeOnEvents(serving.client, null), clock, signal })) {
    if (sum.total === 0) continue;
    const ended = sum.done + sum.aborted;
    progress = addProgress(progress, { at: clock.monotonic(), ended, total: sum.total });
    const details = [...(sum.running > 0 ? [`${sum.running} running`] : []), ...(sum.aborted > 0 ? [`${sum.aborted} aborted`] : [])];
    line.update({ label: sum.label, ended, total: sum.total, details, progress });
    const key = ended === sum.total ? `${sum.done}/${sum.total}` : '';
    if (key !== '' && key !== announced) {
      line.finish();
      line.say(endText(sum));
    }
    announced = key;
  }
}

function sumOf(experiments: readonly { name: string; counts: { running: number; done: number; aborted: number; total: number } }[], only: string | null): Sum {
  const counted = experiments.filter(({ name, counts }) => counts.total > 0 && (only === null || name === only));
  const add = (field: 'running' | 'done' | 'aborted' | 'total'): number => counted.reduce((sum, { counts }) => sum + counts[field], 0);
  const names = counted.map(({ name }) => name);
  const label = names.length === 1 ? names[0]! : `${names.length} experiments`;
  return { label, names, running: add('running'), done: add('done'), aborted: add('aborted'), total: add('total') };
}

function endText({ names, done, aborted, total }: Sum): string {
  const list = names.length === 1 ? `drover job ls -e ${names[0]}` : 'drover status';
  if (aborted > 0) return `All ${total} jobs have ended: ${done} done, ${aborted} aborted. Why: ${list}${names.length === 1 ? ' --status aborted' : ''}`;
  return `All ${total} jobs are done. See them in the dashboard or with: ${list}\nThe server keeps running for more; stop it with Ctrl-C.`;
}
