import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { ParamValue } from '../../core/params.ts';
import { listText, readList } from './value-text.ts';

const value: fc.Arbitrary<ParamValue> = fc.oneof(
  fc.constantFrom<ParamValue>(null, true, false, '', ' ', '1', 'true', 'a, b', '"', '[1', '{', 'None', 0.1, 1e21, '1e5'),
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
  fc.array(fc.integer(), { maxLength: 3 }),
);

test('values written into a field are read back as they were', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
      expect(readList(listText(values))).toEqual({ values });
    }),
  );
});

test('spaces around commas do not count', () => {
  expect(readList(' 0.1 ,  0.01,true , adam ')).toEqual({ values: [0.1, 0.01, true, 'adam'] });
});

test('an empty place is told, not turned into a value', () => {
  expect(readList('1,,2')).toHaveProperty('problem');
  expect(readList('1,')).toHaveProperty('problem');
  expect(readList('  ')).toHaveProperty('problem');
});
