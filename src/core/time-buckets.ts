// Stretches of equal time for charts: whole minutes, hours or days, on the clock of whoever looks.

export const BUCKETS = ['minute', 'hour', 'day'] as const;
export type Bucket = (typeof BUCKETS)[number];

export const BUCKET_MS: Record<Bucket, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

export interface BucketRequest {
  readonly bucket: Bucket;
  readonly count: number;
  /** The last stretch holds this moment. */
  readonly until: number;
  /** How far the viewer's clock is before UTC, in milliseconds: where their days and hours begin. */
  readonly shift: number;
}

export function timeBuckets({ bucket, count, until, shift }: BucketRequest): TimeRange[] {
  const size = BUCKET_MS[bucket];
  const last = Math.floor((until + shift) / size) * size - shift;
  return Array.from({ length: count }, (_, index) => {
    const from = last - (count - 1 - index) * size;
    return { from, to: from + size };
  });
}
