import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { numberIsKept, strictJsonProblem } from './strict-json.ts';

/** A decimal as exact whole number and power of ten. */
function exact(token: string): { digits: bigint; exponent: number } {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token)!;
  return { digits: BigInt(`${sign}${whole}${fraction}`), exponent: Number(exponent) - fraction.length };
}

function sameDecimal(a: string, b: string): boolean {
  const [x, y] = [exact(a), exact(b)];
  const lowest = Math.min(x.exponent, y.exponent);
  return x.digits * 10n ** BigInt(x.exponent - lowest) === y.digits * 10n ** BigInt(y.exponent - lowest);
}

const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.stringMatching(/^(0|[1-9]\d{0,20})$/),
    fc.option(fc.stringMatching(/^\d{1,20}$/), { nil: null }),
    fc.option(fc.integer({ min: -30, max: 30 }), { nil: null }),
  )
  .map(([sign, whole, fraction, exponent]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`);

const space = fc.constantFrom('', ' ', '\n', '\t', '\r\n  ');

type Node = { kind: 'scalar'; text: string } | { kind: 'list'; items: Node[] } | { kind: 'object'; members: [string, Node][] };

/** JSON text with any names, given twice or not, and any white space, and whether a name is given twice. */
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc
      .oneof(
        fc.constantFrom('true', 'false', 'null', '0', '-1.5', '""'),
        fc.string().map((text) => JSON.stringify(text)),
      )
      .map((text): Node => ({ kind: 'scalar', text })),
    fc.array(tie('node'), { maxLength: 4 }).map((items): Node => ({ kind: 'list', items })),
    fc
      .array(fc.tuple(fc.constantFrom('a', 'b', 'c', '', '"', '\\', 'é', '__proto__'), tie('node')), { maxLength: 4 })
      .map((members): Node => ({ kind: 'object', members })),
  ),
}));

function write(tree: Node, gap: string): string {
  if (tree.kind === 'scalar') return `${gap}${tree.text}${gap}`;
  const inner =
    tree.kind === 'list'
      ? tree.items.map((item) => write(item, gap))
      : tree.members.map(([name, value]) => `${gap}${JSON.stringify(name)}${gap}:${write(value, gap)}`);
  return tree.kind === 'list' ? `${gap}[${gap}${inner.join(',')}]${gap}` : `${gap}{${gap}${inner.join(',')}}${gap}`;
}

function givesANameTwice(tree: Node): boolean {
  if (tree.kind === 'scalar') return false;
  if (tree.kind === 'list') return tree.items.some(givesANameTwice);
  return new Set(tree.members.map(([name]) => name)).size < tree.members.length || tree.members.some(([, value]) => givesANameTwice(value));
}

describe('what JSON.parse forgives', () => {
  test('a name given twice is found wherever it stands, and nothing else is', () => {
    fc.assert(
      fc.property(node, space, (tree, gap) => {
        const text = write(tree, gap);
        JSON.parse(text);
        expect(strictJsonProblem(text) !== null).toBe(givesANameTwice(tree));
      }),
      { numRuns: 1000 },
    );
  });

  test('a number is kept exactly if the nearest double is written as the same decimal', () => {
    fc.assert(
      fc.property(number, (token) => {
        JSON.parse(token);
        const kept = sameDecimal(token, `${Number(token)}`);
        expect(numberIsKept(token)).toBe(kept);
        expect(strictJsonProblem(`{"a": [${token}]}`) === null).toBe(kept);
      }),
      { numRuns: 1000 },
    );
  });

  test('whatever JavaScript writes has no problem', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        expect(strictJsonProblem(JSON.stringify(value, null, indent))).toBeNull();
      }),
    );
  });
});

describe('what the problem says', () => {
  test.each([
    ['{"a": 1, "a": 2}', 'a', '"a"', 9],
    ['{"x": [{"b": 1}, {"b": 1, "b": 1}]}', 'x[1].b', '"b"', 26],
    ['{"a": 1, "\\u0061": 2}', 'a', '"a"', 9],
    ['{"lr": [0.1, 9007199254740993]}', 'lr[1]', '9007199254740993', 13],
    ['12345678901234567890', '', '12345678901234567890', 0],
    ['[1e400]', '[0]', '1e400', 1],
  ])('%s', (text, path, named, at) => {
    const problem = strictJsonProblem(text);
    expect(problem).toMatchObject({ path, at });
    expect(problem?.sentence).toContain(named);
  });

  test.each(['{"a": "1 , \\"a\\": 2"}', '{"a": "\\\\", "b": "}"}', '[0.10, 1e2, 1E+2, -0, 0.1e1, 100000000000000000000]', '{}', '[]', '""', ' [ ] '])(
    '%s is fine',
    (text) => {
      expect(strictJsonProblem(text)).toBeNull();
    },
  );

  test('endless nesting, which JSON.parse takes, is a problem and not a crash', () => {
    const deep = `{"a": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(() => JSON.parse(deep) as unknown).not.toThrow();
    expect(strictJsonProblem(deep)?.sentence).toContain('nested');
  });
});
