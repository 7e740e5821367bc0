import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { argumentText, paramsProblem, parseParamText, plainText, utf8Length, type ParamValue } from './params.ts';

const jsonValue = fc.jsonValue({ noUnicodeString: false }) as fc.Arbitrary<ParamValue>;

describe('a value on a command line', () => {
  test('any text is either refused or written back as it was typed, but for the quotes of a JSON string', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'0123456789.eE+-[]{}",:truefalsn ') }), fc.json());
    fc.assert(
      fc.property(text, (typed) => {
        const parsed = parseParamText(typed);
        if ('problem' in parsed) expect(typed).toMatch(/^-?\d/);
        else if (typeof parsed.value === 'string' && parsed.value !== typed) expect(JSON.stringify(parsed.value)).toBe(typed);
        else expect(plainText(parsed.value)).toBe(typed);
      }),
      { numRuns: 1000 },
    );
  });

  test('any JSON, as JavaScript writes it, is that value', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const text = JSON.stringify(value);
        expect(parseParamText(text)).toEqual({ value: JSON.parse(text) as ParamValue });
      }),
    );
  });

  test.each<[string, ParamValue]>([
    ['0.1', 0.1],
    ['-3', -3],
    ['1e-7', 1e-7],
    ['true', true],
    ['null', null],
    ['[1,2]', [1, 2]],
    ['"007"', '007'],
    ['', ''],
    ['007', '007'],
    ['1e5', '1e5'],
    ['0.10', '0.10'],
    ['-0', '-0'],
    ['+1', '+1'],
    ['1.', '1.'],
    ['0x10', '0x10'],
    ['True', 'True'],
    ['[1, 2]', '[1, 2]'],
    ['[9007199254740993]', '[9007199254740993]'],
    ['{"a":1,"a":2}', '{"a":1,"a":2}'],
    ['a=b', 'a=b'],
    ['NaN', 'NaN'],
  ])('%s', (text, value) => {
    expect(parseParamText(text)).toEqual({ value });
  });

  test.each(['9007199254740993', '12345678901234567890', '0.1234567890123456789', '1e400', '1e-400', '-9007199254740993'])(
    '%s is refused with advice',
    (text) => {
      const parsed = parseParamText(text);
      expect('problem' in parsed && parsed.problem).toContain(`'"${text}"'`);
    },
  );
});

describe('a value as an argument', () => {
  test.each<[ParamValue, string]>([
    [true, 'True'],
    [false, 'False'],
    [null, 'None'],
    [0.1, '0.1'],
    [1e21, '1e+21'],
    ['true', 'true'],
    ["it's", "it's"],
    [[true, null, 'a'], '[true,null,"a"]'],
    [{ a: false }, '{"a":false}'],
  ])('%j', (value, text) => {
    expect(argumentText(value)).toBe(text);
  });
});

describe('params of a job', () => {
  test('any JSON object with good names is accepted, NUL apart', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/), jsonValue, { noNullPrototype: true }), (params) => {
        fc.pre(!Object.hasOwn(params, '__proto__') && !JSON.stringify(params).includes('\\u0000'));
        expect(paramsProblem(params)).toBeNull();
      }),
    );
  });

  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

  test.each<[string, unknown, string]>([
    ['null', null, 'object'],
    ['a list', [1], 'object'],
    ['text', 'a=1', 'object'],
    ['an empty name', { '': 1 }, 'a name begins'],
    ['a name with a slash', { 'a/b': 1 }, 'a name begins'],
    ['__proto__', JSON.parse('{"__proto__": 1}'), 'a name begins'],
    ['a long name', { ['a'.repeat(129)]: 1 }, 'a name begins'],
    ['not a number', { a: NaN }, 'finite'],
    ['infinity in a list', { a: [Infinity] }, 'finite'],
    ['undefined', { a: undefined }, 'a value is'],
    ['a function', { a: () => 1 }, 'a value is'],
    ['NUL', { a: 'x\0y' }, 'NUL'],
    ['NUL in a list', { a: [{ b: '\0' }] }, 'NUL'],
    ['33 levels', { a: nested(34) }, 'deeper than 32'],
    ['501 params', Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`p${index}`, 1])), '500'],
    ['more than 256 KiB', { a: 'é'.repeat(131_073) }, '262144 bytes'],
  ])('refuses %s', (_what, params, words) => {
    expect(paramsProblem(params)).toContain(words);
  });

  test('32 levels, 500 params and 256 KiB are accepted', () => {
    expect(paramsProblem({ a: nested(32) })).toBeNull();
    expect(paramsProblem(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`p${index}`, 1])))).toBeNull();
    expect(paramsProblem({ a: 'x'.repeat(256 * 1024 - '{"a":""}'.length) })).toBeNull();
  });
});

test('the length in UTF-8 is that of the encoder', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(fc.integer({ min: 0xd700, max: 0xe0ff })).map((units) => String.fromCharCode(...units)),
      ),
      (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      },
    ),
  );
});
