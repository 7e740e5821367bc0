import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseSearch } from './search.ts';

describe('the search box', () => {
  test.each([
    ['', []],
    ['  ', []],
    ['lr=0.01', [{ kind: 'param', name: 'lr', comparison: '=', value: '0.01' }]],
    [
      'lr<=0.1 units!=8',
      [
        { kind: 'param', name: 'lr', comparison: '<=', value: '0.1' },
        { kind: 'param', name: 'units', comparison: '!=', value: '8' },
      ],
    ],
    [
      'note="two words" x',
      [
        { kind: 'param', name: 'note', comparison: '=', value: 'two words' },
        { kind: 'text', text: 'x' },
      ],
    ],
    ['"lr=0.1"', [{ kind: 'text', text: 'lr=0.1' }]],
    [
      'tag:best -tag:"two words" tag=3',
      [
        { kind: 'tag', tag: 'best', has: true },
        { kind: 'tag', tag: 'two words', has: false },
        { kind: 'param', name: 'tag', comparison: '=', value: '3' },
      ],
    ],
    [
      'tag: "tag:x"',
      [
        { kind: 'text', text: 'tag:' },
        { kind: 'text', text: 'tag:x' },
      ],
    ],
    ['a=b=c', [{ kind: 'param', name: 'a', comparison: '=', value: 'b=c' }]],
    ['gpunode_egg_0', [{ kind: 'text', text: 'gpunode_egg_0' }]],
    ['=5', [{ kind: 'text', text: '=5' }]],
    ['"a \\" b"', [{ kind: 'text', text: 'a " b' }]],
  ])('%j', (input, terms) => {
    expect(parseSearch(input)).toEqual({ terms });
  });

  test('comparing with something that is no number is refused, and the word is named', () => {
    const result = parseSearch('lr>fast');
    expect('problem' in result && result.problem).toContain('lr>fast');
  });

  test('any text is read quickly, without a crash', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 1000 }), fc.string({ unit: fc.constantFrom(...'"\\ =<>!a'), maxLength: 1000 })), (input) => {
        parseSearch(input);
      }),
    );
  });
});
