import fc from 'fast-check';
import { expect, test } from 'vitest';

import { LIMITS } from './limits.ts';
import { parseSearch } from './search.ts';
import { tagTerm, withoutTags, withTags } from './tags.ts';

test('tags are added once each and taken away', () => {
  expect(withTags(['a', 'b'], ['c', 'a', 'c'])).toEqual(['a', 'b', 'c']);
  expect(withoutTags(['a', 'b', 'c'], ['b', 'x'])).toEqual(['a', 'c']);
});

test('there are so many and no more; what is there already is always fine', () => {
  const full = Array.from({ length: LIMITS.job_tags.value }, (_, index) => `t${index}`);
  expect(withTags(full, ['one more'])).toBe(null);
  expect(withTags(full, ['t3'])).toEqual(full);
});

test('whatever a tag is called, one finds it by its term, beside other words', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ minLength: 1, maxLength: 60 }), fc.string({ unit: fc.constantFrom(...'"\\ =:a-'), minLength: 1, maxLength: 20 })),
      (tag) => {
        expect(parseSearch(`${tagTerm(tag)} x -${tagTerm(tag)}`)).toEqual({
          terms: [
            { kind: 'tag', tag, has: true },
            { kind: 'text', text: 'x' },
            { kind: 'tag', tag, has: false },
          ],
        });
      },
    ),
  );
});
