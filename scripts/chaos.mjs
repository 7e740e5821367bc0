// `npm run chaos`: real servers, agents and jobs under faults that a seed chooses; afterwards the record is compared with what the jobs
// wrote down themselves. test/chaos has what it does; test/process/chaos.test.ts is its short version.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { setUp } from './setup.mjs';
import { StepFailed, main, packageProgram, parseWords, runAloud } from './step.mjs';

const USAGE = `npm run chaos -- [OPTION]…

  --minutes M      how long faults go on; default 5
  --seed S         default: a new one each time; it is printed
  --engine NAME    sqlite (default) or postgres, then with two servers
  --jobs N         short jobs; default 100 for each minute, at least 2000
`;

const OPTIONS = {
  minutes: { type: 'string', default: '5' },
  seed: { type: 'string' },
  engine: { type: 'string', default: 'sqlite' },
  jobs: { type: 'string' },
  help: { type: 'boolean', default: false },
};
const LEAST_JOBS = 2_000;
const JOBS_PER_MINUTE = 100;
const SEEDS = 1_000_000;
const KILL_CHECK_MS = 50;

await main(async () => {
  const { values } = parseWords(OPTIONS, USAGE);
  if (values.help) return void process.stdout.write(USAGE);
  const minutes = Number(values.minutes);
  const asked = {
    minutes,
    seed: Number(values.seed ?? Math.floor(Math.random() * SEEDS)),
    engine: values.engine,
    jobs: Number(values.jobs ?? Math.max(LEAST_JOBS, Math.round(JOBS_PER_MINUTE * minutes))),
  };
  const problem = problemOf(asked);
  if (problem !== null) {
    process.stderr.write(`${problem}\n`);
    throw new StepFailed('chaos');
  }
  await setUp();
  const directory = mkdtempSync(join(tmpdir(), 'drover-chaos-'));
  // PostgreSQL runs as somebody else there.
  chmodSync(directory, 0o755);
  const env = { ...process.env, CHAOS: JSON.stringify(asked), TMPDIR: directory };
  // Ctrl-C ends what runs below; then it is our turn.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  process.exitCode = await runAloud(process.execPath, [packageProgram('vitest/vitest.mjs'), 'run', '--project', 'chaos', '--silent=false'], { env });
  await sweepUp(directory);
});

/** A run that was interrupted undoes nothing itself: jobs outlive their agents, and small disks stay mounted. */
async function sweepUp(directory) {
  for (let left = processesOf(directory); left.length > 0; left = processesOf(directory)) {
    for (const pid of left) killQuietly(pid);
    await setTimeout(KILL_CHECK_MS);
  }
  const mounts = existsSync('/proc/mounts') ? readFileSync('/proc/mounts', 'utf8').split('\n') : [];
  for (const path of mounts.map((line) => line.split(' ')[1] ?? '').filter((mount) => mount.startsWith(directory))) execFileSync('umount', [path]);
  rmSync(directory, { recursive: true, force: true });
}

function killQuietly(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
}

/** They have the name of our temporary directory in their environment. */
function processesOf(directory) {
  const pids = existsSync('/proc')
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
    : [];
  return pids.filter((pid) => readQuietly(`/proc/${pid}/environ`).includes(directory));
}

function readQuietly(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function problemOf({ minutes, seed, engine, jobs }) {
  if (!(minutes > 0)) return '--minutes wants a number above 0.';
  if (!Number.isInteger(seed) || seed < 0) return '--seed wants a whole number.';
  if (engine !== 'sqlite' && engine !== 'postgres') return '--engine is sqlite or postgres.';
  return Number.isInteger(jobs) && jobs > 0 ? null : '--jobs wants a whole number above 0.';
}
