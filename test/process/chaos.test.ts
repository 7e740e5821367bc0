// Everything breaks at once, in real processes, by a seed: the short version of `npm run chaos`.
import { expect, test } from 'vitest';

import { runChaos } from '../chaos/run.ts';

const SHORT = {
  ...{ short_jobs: 70, long_jobs: 3, long_ms: 4_000, period_ms: 10_000, gap_ms: 600, longest_ms: 3_000, drain_limit_ms: 120_000 },
  ...{ agents: 2, workers: 3 },
};

/** Half a minute when nothing else runs; the limit is for machines that have other things to do. */
const LIMIT_MS = 300_000;

for (const engine of ['sqlite', 'postgres'] as const) {
  // Beside one another, because most of the time is spent waiting for what recovers.
  test.concurrent(
    `${engine}: after kills, pauses, cuts, full disks and upgrades the record equals what the jobs wrote down themselves`,
    async (context) => {
      const story: string[] = [];
      const seed = Number(process.env['CHAOS_SEED'] ?? 1);
      context.onTestFailed(() => void process.stderr.write(`${story.join('\n')}\nAgain: CHAOS_SEED=${seed} npm test -- test/process/chaos\n`));
      const result = await runChaos(context, { ...SHORT, engine, seed, tell: (line) => void story.push(line) });
      if (result === null) return context.skip('there is no PostgreSQL here');
      story.push(result.report, ...result.lives);
      expect(result.violations).toEqual([]);
    },
    LIMIT_MS,
  );
}
