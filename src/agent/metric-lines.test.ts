import { describe, expect, it } from 'vitest';

import { LIMITS } from '../core/limits.ts';

import { type MetricRead, readMetricLines } from './metric-lines.ts';

function read(text: string, over: Partial<MetricRead> = {}) {
  return readMetricLines({ from: 100, bytes: Buffer.from(text), complete: false, most_points: 1_000, now: 0, ...over });
}

const wide = (count: number): string =>
  `${JSON.stringify({ t: 1, s: 1, m: Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, index])) })}\n`;

describe('metric spool', () => {
  it('reads whole lines and leaves a line that is still being written', () => {
    const { points, progress, to, broken } = read('{"t":1,"s":2,"m":{"loss":0.5}}\n{"t":2,"p":[1,4]}\n{"t":3,"m":');
    expect(points).toMatchObject([{ offset: 100, name: 'loss', value: 0.5, step: 2 }]);
    expect(progress).toEqual({ done: 1, total: 4 });
    expect(to).toBe(100 + 31 + 18);
    expect(broken).toEqual([]);
  });

  it('skips a broken line and tells where it was', () => {
    const { points, broken } = read('nonsense\n{"t":1,"s":null,"m":{"loss":"NaN"}}\n');
    expect(points).toMatchObject([{ name: 'loss', value: 'NaN', step: null }]);
    expect(broken).toEqual([100]);
  });

  it('leaves a good line for the next batch when this one has too little room left', () => {
    const first = read(wide(500), { most_points: 300 });
    expect(first).toMatchObject({ points: [], to: 100, broken: [] });
    expect(read(wide(500)).points).toHaveLength(500);
  });

  it('gives up a line that no batch could ever take', () => {
    expect(read(wide(LIMITS.metric_points.value + 1)).broken).toEqual([100]);
  });

  it('keeps what is not finite, drops what is no number, and takes the newest progress', () => {
    const { points, progress, broken } = read('{"t":1,"s":null,"m":{"a":"NaN","b":"-Infinity","c":"text","d":null}}\n{"t":1,"p":[1,3]}\n{"t":1,"p":[2,3]}\n');
    expect(points.map(({ name, value }) => [name, value])).toEqual([
      ['a', 'NaN'],
      ['b', '-Infinity'],
    ]);
    expect(progress).toEqual({ done: 2, total: 3 });
    expect(broken).toEqual([100]);
  });

  it('gives up a last line without end only when nothing more can come', () => {
    const text = '{"t":1,"m":{"x":1}}\n{"t":2,"m":{"x"';
    const torn = 100 + text.lastIndexOf('{"t":2');
    expect(read(text)).toMatchObject({ broken: [], to: torn });
    expect(read(text, { complete: true })).toMatchObject({ broken: [torn], to: 100 + text.length });
  });

  it('takes now for a moment that no calendar has', () => {
    expect(read('{"t":1e300,"m":{"a":1}}\n', { now: 1_000 }).points[0]!.at).toBe('1970-01-01T00:00:01.000Z');
  });
});
