import { expect, test } from 'vitest';

import { didYouMean, nearest } from './spelling.ts';

test('the closest word is found, through swaps, gaps and capitals', () => {
  const words = ['workers', 'workspace', 'port', 'python'];
  expect(nearest('wrokers', words)).toBe('workers');
  expect(nearest('prot', words)).toBe('port');
  expect(nearest('PORT', words)).toBe('port');
  expect(nearest('workspac', words)).toBe('workspace');
});

test('a word that resembles nothing gets no suggestion', () => {
  expect(nearest('banana', ['port', 'url'])).toBeNull();
  expect(nearest('x', ['url'])).toBeNull();
  expect(didYouMean('banana', ['port'])).toBe('');
  expect(didYouMean('ulr', ['url'])).toBe(' Did you mean url?');
});
