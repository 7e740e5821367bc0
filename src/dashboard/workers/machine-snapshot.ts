// The newest measurements of a machine as gauges: a bar where there is a whole to compare with, and a warning where it is nearly full.
import { bytesText } from '../components/bytes.ts';
import { numberText } from '../charts/chart-table.ts';

export interface Gauge {
  readonly name: string;
  readonly text: string;
  /** Of the whole, 0 to 1; null where there is none. */
  readonly share: number | null;
  readonly tone: 'good' | 'warn' | 'bad';
}

const WARN = 0.6;
const BAD = 0.85;

export function snapshot(metrics: Readonly<Record<string, number>>, cpus: number): Gauge[] {
  const { cpu_percent, load_1, memory_used_bytes, memory_total_bytes, disk_free_bytes, disk_total_bytes } = metrics;
  const gauges: (Gauge | null)[] = [
    cpu_percent === undefined ? null : gauge('CPU', `${Math.round(cpu_percent)}%`, cpu_percent / 100),
    memory_used_bytes === undefined
      ? null
      : gauge('Memory', ofWhole(memory_used_bytes, memory_total_bytes), memory_total_bytes === undefined ? null : memory_used_bytes / memory_total_bytes),
    load_1 === undefined
      ? null
      : gauge('Load', `${numberText(Math.round(load_1 * 100) / 100)}${cpus > 0 ? ` on ${cpus} CPU` : ''}`, cpus > 0 ? load_1 / cpus : null),
    disk_free_bytes === undefined
      ? null
      : gauge('Disk free', bytesText(disk_free_bytes), disk_total_bytes === undefined ? null : 1 - disk_free_bytes / disk_total_bytes),
    ...gpuGauges(metrics),
  ];
  return gauges.filter((each) => each !== null);
}

function gpuGauges(metrics: Readonly<Record<string, number>>): Gauge[] {
  const indexes = Object.keys(metrics).flatMap((name) => /^gpu_(\d+)_percent$/.exec(name)?.[1] ?? []);
  return indexes
    .sort((a, b) => Number(a) - Number(b))
    .flatMap((index) => {
      const percent = metrics[`gpu_${index}_percent`]!;
      const [used, total, celsius] = ['memory_used_bytes', 'memory_total_bytes', 'celsius'].map((what) => metrics[`gpu_${index}_${what}`]);
      const heat = celsius === undefined ? '' : ` · ${Math.round(celsius)} °C`;
      return [
        gauge(`GPU ${index}`, `${Math.round(percent)}%${heat}`, percent / 100),
        ...(used === undefined ? [] : [gauge(`GPU ${index} memory`, ofWhole(used, total), total === undefined ? null : used / total)]),
      ];
    });
}

function ofWhole(used: number, total: number | undefined): string {
  return total === undefined ? bytesText(used) : `${bytesText(used)} of ${bytesText(total)}`;
}

function gauge(name: string, text: string, whole: number | null): Gauge {
  const share = whole === null || !Number.isFinite(whole) ? null : Math.min(1, Math.max(0, whole));
  return { name, text, share, tone: share === null || share < WARN ? 'good' : share < BAD ? 'warn' : 'bad' };
}
