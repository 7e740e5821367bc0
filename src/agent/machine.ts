// What the agent knows of its machine: size, load, memory, disk, GPUs. Measured in the background, never in the way of the loops.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { promisify } from 'node:util';

import type { Clock } from '../runtime/clock.ts';
import type { Environment } from '../runtime/config.ts';
import type { Log } from '../runtime/log.ts';

export interface Resources {
  readonly cpus: number;
  readonly memory_bytes: number;
  readonly gpus: number;
}

export type Metrics = Readonly<Record<string, number>>;

export interface Machine {
  readonly resources: Resources;
  /** Whether the disk of the jobs has room for more. */
  hasSpace(): boolean;
  /** The newest measurements, until they were told. */
  metrics(): Metrics | null;
  metricsTold(metrics: Metrics): void;
  /** Measures now, then every 15 s; resolves after the disk was looked at once. */
  start(): Promise<void>;
  stop(): void;
}

export interface MachineParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly env: Environment;
  /** `jd_data`. */
  readonly data: string;
  readonly free_space_bytes: number;
  /** The answer of `hasSpace` changed. */
  readonly onChange: () => void;
}

export const METRICS_PERIOD_MS = 15_000;
const run = promisify(execFile);

export function createMachine(parts: MachineParts): Machine {
  const { clock, log } = parts;
  const resources = machineResources(parts.env);
  let space = true;
  let newest: Metrics | null = null;
  let cpuBefore = cpuTimes();
  let stopped = false;
  let readGpus = resources.gpus > 0;

  async function disk(): Promise<{ free: number; total: number } | null> {
    try {
      const { bavail, blocks, bsize } = await statfs(parts.data);
      // Some file systems over a network tell nothing of their size.
      if (blocks === 0) return null;
      return { free: bavail * bsize, total: blocks * bsize };
    } catch {
      return null;
    }
  }

  function judgeSpace(free: number | null): void {
    const enough = free === null || free >= parts.free_space_bytes;
    if (enough === space) return;
    space = enough;
    const fields = { free_bytes: free, limit_bytes: parts.free_space_bytes };
    if (enough) log.info(fields, 'the disk has room again; jobs are taken');
    else log.warn(fields, 'the disk of the jobs is nearly full; no more are taken');
    parts.onChange();
  }

  async function measure(): Promise<void> {
    const room = await disk();
    judgeSpace(room?.free ?? null);
    const cpuNow = cpuTimes();
    const busy = 1 - (cpuNow.idle - cpuBefore.idle) / Math.max(1, cpuNow.total - cpuBefore.total);
    cpuBefore = cpuNow;
    const gpus = readGpus ? await gpuMetrics() : {};
    if (gpus === null) readGpus = false;
    newest = {
      cpu_percent: Math.round(Math.min(1, Math.max(0, busy)) * 1000) / 10,
      load_1: loadavg()[0] ?? 0,
      ...(await memoryMetrics()),
      ...(room === null ? {} : { disk_free_bytes: room.free, disk_total_bytes: room.total }),
      ...gpus,
    };
  }

  async function repeat(): Promise<void> {
    while (!stopped) {
      await measure().catch((error: unknown) => log.debug({ err: error }, 'the machine could not be measured'));
      await new Promise<void>((resolve) => clock.after(METRICS_PERIOD_MS, resolve));
    }
  }

  return {
    resources,
    hasSpace: () => space,
    metrics: () => newest,
    metricsTold(metrics) {
      if (newest === metrics) newest = null;
    },
    async start() {
      judgeSpace((await disk())?.free ?? null);
      clock.after(200, () => void repeat());
    },
    stop: () => void (stopped = true),
  };
}

export function machineResources(env: Environment): Resources {
  const limit = process.constrainedMemory();
  const memory_bytes = limit > 0 && limit < totalmem() ? limit : totalmem();
  return { cpus: availableParallelism(), memory_bytes, gpus: gpuCount(env) };
}

function gpuCount(env: Environment): number {
  const visible = env['CUDA_VISIBLE_DEVICES'];
  if (visible !== undefined) return visible.split(',').filter((device) => device !== '' && device !== '-1').length;
  try {
    return readdirSync('/proc/driver/nvidia/gpus').length;
  } catch {
    return 0;
  }
}

function cpuTimes(): { idle: number; total: number } {
  const sum = { idle: 0, total: 0 };
  for (const { times } of cpus()) {
    sum.idle += times.idle;
    sum.total += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return sum;
}

async function memoryMetrics(): Promise<Metrics> {
  // Loaded late: it is large, and the first jobs should not wait for it.
  const { mem } = await import('systeminformation');
  const { total, active } = await mem();
  return { memory_used_bytes: active, memory_total_bytes: total };
}

/** Null when the program is not there. */
async function gpuMetrics(): Promise<Metrics | null> {
  try {
    const query = '--query-gpu=index,utilization.gpu,memory.used,memory.total,temperature.gpu';
    const { stdout } = await run('nvidia-smi', [query, '--format=csv,noheader,nounits'], { timeout: 10_000 });
    return parseGpus(stdout);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : {};
  }
}

const MIB = 1024 * 1024;

/** One line per GPU, `0, 37, 1024, 81920, 45`; a value that a GPU does not tell is not a number. */
export function parseGpus(csv: string): Metrics {
  const metrics: Record<string, number> = {};
  for (const line of csv.split('\n')) {
    const [index, percent, used, total, celsius] = line.split(',').map((field) => Number.parseFloat(field));
    if (index === undefined || Number.isNaN(index)) continue;
    const add = (name: string, value: number | undefined, unit: number): void => {
      if (value !== undefined && Number.isFinite(value)) metrics[`gpu_${index}_${name}`] = value * unit;
    };
    add('percent', percent, 1);
    add('memory_used_bytes', used, MIB);
    add('memory_total_bytes', total, MIB);
    add('celsius', celsius, 1);
  }
  return metrics;
}
