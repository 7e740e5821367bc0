// When an experiment may end, from the pace seen on this page.
import { useState } from 'react';

import type { CountsShape } from '../../contract/index.ts';
import { addSample, estimateRemaining, type ProgressSample } from '../../core/progress.ts';

/** Milliseconds left, or null while there is no pace to judge by. `at` is when the counts were read. */
export function useEta(counts: CountsShape, at: number): number | null {
  const [samples, setSamples] = useState<readonly ProgressSample[]>([]);
  const ended = counts.done + counts.aborted;
  const last = samples.at(-1);
  if (last === undefined || last.ended !== ended) {
    // Fewer have ended than before: something was requeued, the old pace says nothing.
    const base = last !== undefined && last.ended > ended ? [] : samples;
    setSamples(addSample(base, { at, ended }));
  }
  return counts.running === 0 ? null : estimateRemaining(samples, counts.pending + counts.running);
}
