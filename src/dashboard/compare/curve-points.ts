// Where the points of a curve lie: over their steps, or over the time since the first of them.
import type { api } from '../api.ts';

export type Curve = Awaited<ReturnType<typeof api.compare.curves>>['curves'][number];
export type CurveAxis = 'step' | 'time';

/** `[x, y]`: steps, or milliseconds; points that are not finite, or have no place on a logarithmic axis, are gaps. */
export function curvePoints(
  { points }: Pick<Curve, 'points'>,
  { axis, log }: { readonly axis: CurveAxis; readonly log: boolean },
): (readonly [number, number | null])[] {
  const first = points[0] === undefined ? 0 : Date.parse(points[0].at);
  return points.map(({ step, value, at }, index) => [
    axis === 'time' ? Date.parse(at) - first : (step ?? index),
    log && value !== null && value <= 0 ? null : value,
  ]);
}
