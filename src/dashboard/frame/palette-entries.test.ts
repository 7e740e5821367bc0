// The palette finds what one means by a few letters, a number or a name with a number.
import { expect, test } from 'vitest';

import { paletteEntries, type PaletteFacts } from './palette-entries.ts';

const nothing = (): void => undefined;
const FACTS: PaletteFacts = {
  query: '',
  experiment: 'tune',
  experiments: [
    { name: 'tune', description: '' },
    { name: 'digits-tune', description: 'a first sweep' },
    { name: 'other', description: 'of last week' },
  ],
  shortcuts: [
    { keys: 'g w', label: 'Go to Workers', run: nothing },
    { keys: 't', label: 'Switch between light and dark', run: nothing },
  ],
};

const labels = (facts: Partial<PaletteFacts>) => paletteEntries({ ...FACTS, ...facts }).flatMap(({ entries }) => entries.map(({ label }) => label));

test('nothing typed: what can be done here, and the other experiments', () => {
  expect(paletteEntries(FACTS).map(({ group }) => group)).toEqual(['Here', 'Experiments']);
  expect(labels({})).toEqual(['Go to Workers', 'Switch between light and dark', 'digits-tune', 'other']);
});

test('words are found in any order, in names and descriptions', () => {
  expect(labels({ query: 'sweep FIRST', experiment: null })).toEqual(['digits-tune']);
  expect(labels({ query: 'dark light' })).toEqual(['Switch between light and dark', 'Search jobs for “dark light”']);
});

test.each([
  ['42', ['Open tune/42', 'Search jobs for “42”']],
  ['#42', ['Open tune/42', 'Search jobs for “#42”']],
  ['digits-tune/7', ['Open digits-tune/7', 'Search jobs for “digits-tune/7”']],
  ['nobody/7', ['Search jobs for “nobody/7”']],
  ['0', ['Search jobs for “0”']],
])('%s', (query, expected) => {
  expect(labels({ query })).toEqual(expected);
});

test('outside of an experiment a number alone names nothing', () => {
  expect(labels({ query: '42', experiment: null })).toEqual([]);
  expect(labels({ query: 'tune/42', experiment: null })).toEqual(['Open tune/42']);
});

test('of very many experiments only some are offered', () => {
  const experiments = Array.from({ length: 500 }, (_, index) => ({ name: `many-${index}`, description: '' }));
  expect(labels({ experiments, shortcuts: [] })).toHaveLength(12);
});
