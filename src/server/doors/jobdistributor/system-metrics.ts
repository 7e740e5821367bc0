// What such a client measures of its machine, under the names that our own agents use where they mean the same.
import { LIMITS } from '../../../core/limits.ts';

const GIB = 2 ** 30;
const NAME = /^[a-z][a-z0-9_]{0,59}$/;

/** Null when there is nothing in it that is a measurement. What it cannot measure it tells as 0. */
export function readMetrics(told: Readonly<Record<string, unknown>>): Record<string, number> | null {
  const numbers = new Map<string, number>();
  for (const [name, value] of Object.entries(told)) {
    if (NAME.test(name) && typeof value === 'number' && Number.isFinite(value) && numbers.size < LIMITS.machine_metrics.value) numbers.set(name, value);
  }
  if (![...numbers.values()].some((value) => value !== 0)) return null;
  const metrics: Record<string, number> = {};
  const take = (name: string): number | undefined => {
    const value = numbers.get(name);
    numbers.delete(name);
    return value;
  };
  const cpu = take('cpu_util');
  if (cpu !== undefined) metrics['cpu_percent'] = Math.min(100, Math.max(0, cpu));
  const load = take('load_1min');
  if (load !== undefined) metrics['load_1'] = load;
  const total = take('ram_total');
  const available = take('ram_available');
  if (total !== undefined && total > 0 && available !== undefined) {
    metrics['memory_total_bytes'] = Math.round(total * GIB);
    metrics['memory_used_bytes'] = Math.round(Math.max(0, total - available) * GIB);
  }
  for (const [name, value] of numbers) metrics[name] = value;
  return metrics;
}
