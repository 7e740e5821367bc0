// Each compared job has a colour in the table and in all charts; when colours run out, lines of another kind begin.
import { chartColours, type Scheme } from '../charts/chart-colours.ts';

const KINDS = ['solid', 'dashed', 'dotted', 'solid'] as const;

export interface LineLook {
  readonly color: string;
  readonly type: (typeof KINDS)[number];
}

export function lineLook(index: number, scheme: Scheme): LineLook {
  const { series } = chartColours(scheme);
  return { color: series[index % series.length]!, type: KINDS[Math.floor(index / series.length) % KINDS.length]! };
}
