// When an experiment may end, from the pace seen on this page.
import { useEffect, useState } from 'react';

import type { CountsShape } from '../../contract/index.ts';
import { addSample, estimateRemaining, type ProgressSample } from '../../core/progress.ts';

/** Milliseconds left, or null while there is no pace to judge by. */
export function useEta(counts: CountsShape | undefined): number | null {
  const [samples, setSamples] = useState<readonly ProgressSample[]>([]);
  const ended = counts === undefined ? null : counts.done + counts.aborted;
  useEffect(() => {
    if (ended === null) return;
    setSamples((known) => {
      const last = known.at(-1);
      // Fewer have ended than before: something was requeued, the old pace says nothing.
      const base = last !== undefined && last.ended > ended ? [] : known;
      return addSample(base, { at: performance.now(), ended });
    });
  }, [ended]);
  return counts === undefined || counts.running === 0 ? null : estimateRemaining(samples, counts.pending + counts.running);
}
