// The long version: `npm run chaos` says how long, on which engine, and with which seed.
import { appendFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, test } from 'vitest';

import { runChaos } from './run.ts';

interface Asked {
  readonly minutes: number;
  readonly seed: number;
  readonly engine: 'sqlite' | 'postgres';
  readonly jobs: number;
}

const { minutes, seed, engine, jobs } = JSON.parse(process.env['CHAOS'] ?? '{}') as Asked;
const MINUTE_MS = 60_000;
const LONG_JOBS = 20;
/** For draining, comparing and waiting for the last agent that was cut off. */
const AFTERWARDS_MS = 15 * MINUTE_MS;
const OUTPUT = resolve(import.meta.dirname, '../../test-output');

test(
  `${minutes} minutes of chaos on ${engine}`,
  async (context) => {
    mkdirSync(OUTPUT, { recursive: true });
    const file = join(OUTPUT, `chaos-${engine}-${seed}.log`);
    const tell = (line: string): void => {
      process.stdout.write(`${line}\n`);
      appendFileSync(file, `${line}\n`);
    };
    const period_ms = minutes * MINUTE_MS;
    const result = await runChaos(context, {
      ...{ seed, engine, tell, short_jobs: jobs, long_jobs: LONG_JOBS, long_ms: Math.min(120_000, period_ms / 6), period_ms },
      ...{ gap_ms: 6_000, longest_ms: 60_000, drain_limit_ms: 5 * MINUTE_MS, agents: 2, workers: 3 },
    });
    if (result === null) throw new Error('There is no PostgreSQL here.');
    tell(['', result.report, ...result.lives.map((life) => `\n${life}`), ''].join('\n'));
    if (result.violations.length > 0) tell(`Again: npm run chaos -- --minutes ${minutes} --engine ${engine} --jobs ${jobs} --seed ${seed}`);
    expect(result.violations).toEqual([]);
  },
  minutes * MINUTE_MS + AFTERWARDS_MS,
);
