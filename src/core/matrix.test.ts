import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { combinationAt, combinations, matrixOddities, matrixSize, readMatrix, readMatrixWords, type Matrix } from './matrix.ts';
import type { ParamValue } from './params.ts';

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,8}$/).filter((text) => text !== '__proto__');
const value: fc.Arbitrary<ParamValue> = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.string().map((text) => text.replaceAll('\0', '')),
);
const axes = fc.uniqueArray(fc.record({ name, values: fc.array(value, { minLength: 1, maxLength: 5 }) }), {
  minLength: 1,
  maxLength: 5,
  selector: (axis) => axis.name,
});
const distinctAxes = fc.uniqueArray(fc.record({ name, values: fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 5 }) }), {
  minLength: 1,
  maxLength: 5,
  selector: (axis) => axis.name,
});

/** The expansion as nested loops, the last name innermost. */
function nestedLoops(matrix: Matrix): Record<string, ParamValue>[] {
  let rows: Record<string, ParamValue>[] = [{}];
  for (const axis of matrix) rows = rows.flatMap((row) => axis.values.map((one) => ({ ...row, [axis.name]: one })));
  return rows;
}

function problemOf(input: unknown): string {
  const result = readMatrix(input);
  return 'problem' in result ? result.problem : '';
}

describe('expansion', () => {
  test('is that of nested loops, the last name varying fastest; its size is known without it', () => {
    fc.assert(
      fc.property(axes, (matrix) => {
        const expected = nestedLoops(matrix);
        expect(matrixSize(matrix)).toBe(expected.length);
        expect([...combinations(matrix)]).toEqual(expected);
        expect(Object.keys(combinationAt(matrix, 0))).toEqual(Object.keys(expected[0]!));
      }),
    );
  });

  test('holds every combination once when the values differ', () => {
    fc.assert(
      fc.property(distinctAxes, (matrix) => {
        const rows = [...combinations(matrix)].map((row) => JSON.stringify(row));
        expect(new Set(rows).size).toBe(matrixSize(matrix));
      }),
    );
  });

  test('any part of it is the same as that part of the whole', () => {
    fc.assert(
      fc.property(axes, fc.nat(), fc.nat(), (matrix, first, second) => {
        const size = matrixSize(matrix);
        const [from, to] = [first % (size + 1), second % (size + 1)].toSorted((a, b) => a - b) as [number, number];
        expect([...combinations(matrix, from, to)]).toEqual(nestedLoops(matrix).slice(from, to));
      }),
    );
  });

  test('the order of an example', () => {
    const matrix = [
      { name: 'lr', values: [0.1, 0.01] },
      { name: 'units', values: [8, 16] },
    ];
    expect([...combinations(matrix)].map((row) => `${String(row['lr'])} ${String(row['units'])}`)).toEqual(['0.1 8', '0.1 16', '0.01 8', '0.01 16']);
  });
});

describe('reading a matrix', () => {
  test('keeps names, values and their order', () => {
    fc.assert(
      fc.property(axes, (matrix) => {
        const result = readMatrix(Object.fromEntries(matrix.map((axis) => [axis.name, axis.values])));
        expect(result).toEqual({ matrix, size: matrixSize(matrix) });
      }),
    );
  });

  test.each([
    ['a list', [1], 'object'],
    ['text', 'lr=1', 'object'],
    ['null', null, 'object'],
    ['nothing', {}, 'at least one'],
    ['an empty list', { lr: [] }, '"lr": its list of values is empty'],
    ['a single value', { lr: 0.1 }, '"lr": its values must be a list'],
    ['a name with a space', { 'a b': [1] }, '"a b"'],
    ['a name that begins with -', { '-x': [1] }, '"-x"'],
    ['a value that is not JSON', { lr: [undefined] }, '"lr"'],
    ['infinity', { lr: [Infinity] }, 'finite'],
    ['65 names', Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`p${index}`, [1]])), '64'],
    ['100,001 values', { lr: Array.from({ length: 100_001 }, (_, index) => index) }, '100000'],
  ])('refuses %s', (_what, input, words) => {
    expect(problemOf(input)).toContain(words);
  });

  test('refuses a billion combinations at once, and says how many they are', () => {
    const thousand = Array.from({ length: 1000 }, (_, index) => index);
    const started = process.hrtime.bigint();
    const problem = problemOf({ a: thousand, b: thousand, c: thousand });
    expect(problem).toContain('1,000,000,000');
    expect(problem).toContain('1000 × 1000 × 1000');
    expect(problem).toContain('1,000,000 can');
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(1000);
  });

  test('takes exactly a million', () => {
    const thousand = Array.from({ length: 1000 }, (_, index) => index);
    expect(readMatrix({ a: thousand, b: thousand })).toMatchObject({ size: 1_000_000 });
  });
});

describe('words of a command line', () => {
  test.each([
    [['lr=0.1,0.01', 'units=8,16'], { lr: [0.1, 0.01], units: [8, 16] }],
    [['name=a,b c,true,null'], { name: ['a', 'b c', true, null] }],
    [['name="a,b",c'], { name: ['a,b', 'c'] }],
    [['list=[[1,2],[3]]'], { list: [[1, 2], [3]] }],
    [['o={"a":1,"b":2},{"a":3}'], { o: [{ a: 1, b: 2 }, { a: 3 }] }],
    [['expr=a=b,c=d'], { expr: ['a=b', 'c=d'] }],
    [['v=1,,2'], { v: [1, '', 2] }],
    [['v=it"s,x'], { v: ['it"s', 'x'] }],
  ])('%j', (words, expected) => {
    expect(readMatrixWords(words)).toEqual({ input: expected });
  });

  test.each([
    [['lr'], '"lr" is not name=value'],
    [['=1'], 'is not name=value'],
    [['lr='], '"lr": it has no value'],
    [['lr=1', 'lr=2'], '"lr" is given twice'],
    [['lr=[1,2'], 'not a JSON list'],
    [['n=12345678901234567890'], 'quotes'],
  ])('refuses %j', (words, problem) => {
    const result = readMatrixWords(words);
    expect('problem' in result && result.problem).toContain(problem);
  });
});

test('empty values and values that come twice are told, and others are not', () => {
  expect(matrixOddities([{ name: 'a', values: [1, '1', 2] }])).toEqual([]);
  expect(
    matrixOddities([
      { name: 'a', values: ['', 'x', 'x'] },
      { name: 'b', values: [1, 1, 1, 2] },
    ]),
  ).toEqual([
    'a has an empty value; it makes jobs too.',
    'a has "x" more than once; each makes jobs of its own.',
    'b has 1 more than once; each makes jobs of its own.',
  ]);
});
