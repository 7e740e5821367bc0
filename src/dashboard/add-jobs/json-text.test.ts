import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { readJson, tokens } from './json-text.ts';

const WRONG: readonly (readonly [string, string, number, number, RegExp])[] = [
  ['missing comma', '{\n  "lr": [0.1 0.2]\n}', 2, 14, /comma or \]/],
  ['trailing comma', '{\n  "lr": [1],\n}', 2, 12, /one too many/],
  ['single quotes', "{'lr': [1]}", 1, 2, /double quotes|name in double/],
  ['Python words', '{"a": [True]}', 1, 8, /true for True/],
  ['NaN', '{"a": [NaN]}', 1, 8, /no NaN/],
  ['no colon', '{"a" [1]}', 1, 6, /colon/],
  ['cut off', '{"a": [1,\n2', 2, 2, /\] is missing/],
  ['text after the end', '{} x', 1, 4, /more text follows/],
  ['a name twice', '{"a": [1],\n "a": [2]}', 2, 2, /twice/],
  ['a number that cannot be kept', '{"a": [1,\n12345678901234567890]}', 2, 1, /cannot be kept/],
  ['an open text', '{"a": "x', 1, 7, /closing quote/],
  ['a bad escape', '{"a": "\\x"}', 1, 7, /does not allow/],
];

describe('problems are told with their place', () => {
  test.each(WRONG)('%s', (_, text, line, column, sentence) => {
    const read = readJson(text);
    expect(read).toEqual({ problem: expect.stringMatching(sentence) as unknown, place: { line, column } });
  });
});

test('reads what JSON.parse reads and refuses what it refuses', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom('', ',', ']', '"', '}', '0', ' '), (json, at, put) => {
      const cut = at % (json.length + 1);
      const text = json.slice(0, cut) + put + json.slice(cut + 1);
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      const read = readJson(text);
      // A text that JSON.parse accepts may still be refused for a doubled name or a number that would change.
      if (!valid) expect(read).toHaveProperty('problem');
      if ('value' in read) expect(valid).toBe(true);
    }),
  );
});

test('the tokens of any text are the text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const joined = tokens(text)
        .map((token) => token.text)
        .join('');
      expect(joined).toBe(text);
    }),
  );
});
