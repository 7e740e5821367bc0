// Progress of an experiment as one bar: done, aborted, running; what is left of it waits.
import { VisuallyHidden } from '@mantine/core';

import type { JobStatus } from '../../core/job.ts';
import { countText } from './bytes.ts';

export interface BarCounts extends Readonly<Record<JobStatus, number>> {
  readonly total: number;
}

export function ProgressBar({ counts, height = 8 }: { readonly counts: BarCounts; readonly height?: number }) {
  const total = Math.max(1, counts.total);
  const width = (count: number): string => `${(100 * count) / total}%`;
  const label = `${countText(counts.done)} done, ${countText(counts.aborted)} aborted, ${countText(counts.running)} running, ${countText(counts.pending)} pending of ${countText(counts.total)}`;
  return (
    <div className="dr-bar" title={label} style={{ height, borderRadius: height / 2 }}>
      <VisuallyHidden>{label}</VisuallyHidden>
      <span data-part="done" style={{ width: width(counts.done) }} />
      <span data-part="aborted" style={{ width: width(counts.aborted) }} />
      <span data-part="running" style={{ width: width(counts.running) }} />
    </div>
  );
}
