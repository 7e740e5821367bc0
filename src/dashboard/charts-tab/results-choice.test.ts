import { expect, test } from 'vitest';

import { NONE } from './charts-search.ts';
import { chooseResults, type Fields, toggledLog } from './results-choice.ts';

const param = (name: string, values: number, over: Partial<Fields['params'][number]> = {}) => ({ name, values, is_numeric: true, min: 1, max: 10, ...over });
const FIELDS: Fields = {
  params: [
    param('lr', 4, { min: 0.0001, max: 0.1 }),
    param('momentum', 2, { min: 0, max: 900 }),
    param('optimiser', 2, { is_numeric: false, min: null, max: null }),
    param('seed', 5),
    param('fixed', 1),
  ],
  metrics: ['train_loss', 'validation_accuracy'],
};

test('without a choice: the held-out metric and its direction, the seed, what varies, wide axes logarithmic', () => {
  const choice = chooseResults(FIELDS, {})!;
  expect(choice).toMatchObject({
    metric: 'validation_accuracy',
    goal: 'maximise',
    value: 'last',
    seed: 'seed',
    x: 'lr',
    axes: ['lr', 'momentum', 'optimiser'],
  });
  expect([...choice.log]).toEqual(['lr']);
  expect(choice.varying.map(({ name }) => name)).toEqual(['lr', 'momentum', 'optimiser', 'seed']);
});

test('what the URL says wins, as far as it exists', () => {
  const choice = chooseResults(FIELDS, {
    metric: 'train_loss',
    goal: 'maximise',
    seed: NONE,
    x: 'fixed',
    axes: 'seed,nothing,lr',
    log: 'momentum,.metric,optimiser',
  })!;
  expect(choice).toMatchObject({ metric: 'train_loss', goal: 'maximise', seed: null, x: 'fixed', axes: ['seed', 'lr'] });
  // There is no logarithm of 0, nor of a text.
  expect([...choice.log]).toEqual(['.metric']);
  expect(chooseResults(FIELDS, { metric: 'gone', seed: 'gone', x: 'gone' })).toMatchObject({ metric: 'validation_accuracy', seed: 'seed', x: 'lr' });
  expect(chooseResults({ ...FIELDS, metrics: [] }, {})).toBeNull();
});

test('the last logarithmic axis is taken away for good', () => {
  expect(toggledLog(new Set(['lr']), 'lr')).toBe(NONE);
  expect(toggledLog(new Set(['lr']), '.metric')).toBe('lr,.metric');
});
