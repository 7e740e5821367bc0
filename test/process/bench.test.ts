// The benchmark itself: that it runs to its end, measures every line it promises, and leaves nothing behind. No figure is judged here.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { expect, test } from 'vitest';

import { isAlive } from '../support/program.ts';

const BENCH = resolve(import.meta.dirname, '../../scripts/bench.mjs');

interface Line {
  readonly id: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly p95?: number;
  readonly against: { readonly ratio: number } | null;
  readonly note: string | null;
}

interface RaceResult {
  readonly parts: readonly { readonly lines: readonly (Line & { readonly rounds: readonly number[] })[] }[];
  readonly left_out: readonly { readonly id: string; readonly title: string; readonly reason: string }[];
}

const EXPECTED = [
  ...['base.commits', 'base.inserts', 'base.queue_64', 'base.queue_2000', 'base.queue_32x1', 'base.echo', 'base.echo_time'],
  ...['cycles.64', 'cycles.2000', 'cycles.32x1', 'start.p50', 'start.p99', 'processes.xargs', 'processes.drover'],
  ...['million.memory_empty', 'million.creation', 'million.creation_rate', 'million.memory_created'],
  ...['lists.idle.p50', 'lists.idle.p95', 'lists.busy.p50', 'lists.busy.p95', 'lists.claims', 'lists.idle.lr=…', 'lists.busy.sort by duration'],
  ...['million.memory_used', 'million.restart', 'million.first_claim', 'million.memory_restarted'],
];

test('npm run bench -- --quick measures every line and leaves nothing behind', (context) => {
  const place = mkdtempSync(join(tmpdir(), 'drover-bench-test-'));
  context.onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const directory = join(place, 'stages');
  mkdirSync(directory);
  const file = join(place, 'result.json');
  const { status, stdout, stderr } = spawnSync(process.execPath, [BENCH, '--quick', '--json', file, '--directory', directory], {
    encoding: 'utf8',
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const result = JSON.parse(readFileSync(file, 'utf8')) as { machine: Record<string, unknown>; parts: { lines: Line[] }[] };
  const lines = result.parts.flatMap((part) => part.lines);
  const ids = lines.map((line) => line.id);
  expect(EXPECTED.filter((id) => !ids.includes(id))).toEqual([]);
  const broken = lines.filter(
    (line) => ![line.value, line.low, line.high, line.against?.ratio ?? 0, line.p95 ?? 0].every((value) => Number.isFinite(value) && value >= 0),
  );
  expect(broken).toEqual([]);
  // GNU parallel is compared with where it is, and missed aloud where it is not.
  const parallel = ids.includes('processes.parallel') || lines.some((line) => line.note?.includes('PARALLEL IS NOT INSTALLED') === true);
  expect(parallel).toBe(true);
  expect(Object.values(result.machine).filter((value) => value === undefined || value === 'unknown')).toEqual([]);
  for (const line of ['Job cycles, 1 agent asking for 64', 'QUICK']) expect(stdout).toContain(line);
  expect(readdirSync(directory)).toEqual([]);
  expect(processesAt(directory)).toEqual([]);
});

test('npm run bench -- --peers races whoever is there and says aloud who is not', (context) => {
  const place = mkdtempSync(join(tmpdir(), 'drover-race-test-'));
  context.onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const [directory, programs] = [join(place, 'stages'), join(place, 'programs')];
  for (const path of [directory, programs]) mkdirSync(path);
  // No Redis, no task-spooler, no npm: as on a machine where nobody installed anything for it.
  for (const name of ['sh', 'seq', 'xargs', 'id', 'git', 'python3', 'uname']) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    if (found !== '') symlinkSync(found, join(programs, name));
  }
  const file = join(place, 'result.json');
  const only = [
    'cycles.one.drover-sqlite',
    'cycles.one.bare-sqlite',
    'cycles.one.bullmq',
    'processes.true.xargs',
    'processes.true.drover',
    'processes.true.task-spooler',
  ];
  const args = [BENCH, '--peers', '--quick', '--json', file, '--directory', directory, ...only.flatMap((name) => ['--only', name])];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, PATH: programs } });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const result = JSON.parse(readFileSync(file, 'utf8')) as RaceResult;
  const lines = result.parts.flatMap((part) => part.lines);
  expect(lines.map((line) => line.id)).toEqual(['cycles.one.drover-sqlite', 'cycles.one.bare-sqlite', 'processes.true.drover', 'processes.true.xargs']);
  expect(lines.filter((line) => !(line.value > 0 && line.rounds.length === 1))).toEqual([]);
  for (const [ours, base] of [lines.slice(0, 2), lines.slice(2)]) expect(ours!.against!.ratio).toBeCloseTo(ours!.value / base!.value);
  expect(result.left_out.map((one) => one.id)).toEqual(['cycles.one.bullmq', 'processes.true.task-spooler']);
  for (const { title, reason } of result.left_out) expect(stdout).toContain(`LEFT OUT: ${title}: ${reason}`);
  expect(result.left_out.map((one) => one.reason)).toEqual([
    expect.stringContaining('apt-get install redis-server'),
    expect.stringContaining('apt-get install task-spooler'),
  ]);
  expect(readdirSync(directory)).toEqual([]);
  expect(processesAt(directory)).toEqual([]);
});

/** Whoever has a home below a directory: everything that the benchmark starts. */
function processesAt(directory: string): number[] {
  const environment = (pid: number): string => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8');
    } catch {
      return '';
    }
  };
  const ids = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  return ids.filter((pid) => environment(pid).includes(`\0HOME=${directory}`) && isAlive(pid));
}
