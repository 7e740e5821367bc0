// Keeping the registry of this machine small: the look at each start, `prune`, and `clear_all`.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { CliFailure, EXIT } from '../failure.ts';
import { addProgress, createProgressLine, emptyProgress, progressStream } from '../progress-line.ts';
import { ask } from '../prompt.ts';
import { cacheRoot } from './about.ts';
import { counted, selectionOf, settingsOf, workersHere, type Call } from './call.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Pruned } from '../../runtime/local-agents.ts';

/** From so many registered workers on, the look takes long enough to be shown. */
const SHOWN_FROM = 50;

const NOTHING: Pruned = { total: 0, removed: [], undelivered: [], experiments: [] };

export async function pruneWithProgress(call: Call, { all }: { readonly all: boolean }): Promise<Pruned> {
  const { context, session } = call;
  const settings = await settingsOf(context);
  if (isEmpty(join(cacheRoot(settings, session.dependencies), '.cache'))) return NOTHING;
  // Elsewhere than on a terminal it would be two lines of noise before every answer.
  const stream = progressStream(context);
  const line = createProgressLine(session.dependencies, stream?.isTTY === true ? stream : null);
  let progress = emptyProgress();
  const onProgress = (ended: number, total: number): void => {
    if (total < SHOWN_FROM) return;
    progress = addProgress(progress, { at: session.dependencies.clock.monotonic(), ended, total });
    line.update({ label: 'Looking through the registered workers', ended, total, details: [], progress });
  };
  const pruned = await session.dependencies.agent.prune({ cache: settings.cache, all, onProgress });
  line.finish();
  return pruned;
}

/** Then nothing of the agent need be loaded. */
function isEmpty(registry: string): boolean {
  try {
    return !readdirSync(registry, { withFileTypes: true }).some((entry) => entry.isDirectory() && entry.name !== 'python');
  } catch {
    return true;
  }
}

export async function prune(call: Call): Promise<void> {
  const pruned = await pruneWithProgress(call, { all: true });
  await call.context.output.show({ json: pruned, ids: pruned.removed, blocks: [{ text: prunedText(pruned) }] });
  tellUndelivered(call, pruned);
}

export async function clearAll(call: Call): Promise<void> {
  const { context, line, session } = call;
  const here = await workersHere(call, null);
  const workers = [...here.workers, ...here.of_all];
  if (line.values.confirm_clear_all !== true) {
    const busy = workers.filter(({ job }) => job !== null).length;
    const running = workers.length === 0 ? 'No workers run.' : `It stops ${counted(workers.length, 'worker')}, ${busy} of them busy.`;
    const answer = await ask(
      session.dependencies,
      `This empties the registries of all experiments on this machine; data of jobs stays. ${running}\nType clear_all to go on: `,
    );
    if (answer.trim() !== 'clear_all') throw new CliFailure(EXIT.refused, 'Nothing was changed.');
  }
  const stopped = await session.dependencies.agent.stop({ ...(await selectionOf(call, null, null)), grace_seconds: LIMITS.stop_seconds.value, kill: true });
  const pruned = await pruneWithProgress(call, { all: true });
  const text = `${stopped.workers.length === 0 ? '' : `Stopped ${stopped.workers.join(', ')}. `}${prunedText(pruned)}`;
  await context.output.show({ json: { stopped: stopped.workers, ...pruned }, ids: [...stopped.workers, ...pruned.removed], blocks: [{ text }] });
  tellUndelivered(call, pruned);
  if (stopped.leaving.length > 0) throw new CliFailure(EXIT.refused, `Told to stop, and not gone yet: ${stopped.leaving.join(', ')}.`);
}

function prunedText({ total, removed, experiments }: Pruned): string {
  if (removed.length === 0 && experiments.length === 0)
    return total === 0 ? 'The registry is empty.' : `Nothing to remove; ${counted(total, 'worker')} registered.`;
  const gone = removed.length === 0 ? '' : `Removed ${removed.join(', ')}.`;
  const empty = experiments.length === 0 ? '' : `Nothing is left of ${experiments.join(', ')}.`;
  return [gone, empty].filter((part) => part !== '').join(' ');
}

function tellUndelivered({ context }: Call, { undelivered }: Pruned): void {
  if (undelivered.length === 0) return;
  context.output.note(
    `Kept: ${undelivered.join(', ')}, with results that the server has not got yet. Start workers of the experiment, and they are delivered.`,
  );
}
