import { expect, test } from 'vitest';

import { contract, type JobShape } from '../../contract/index.ts';
import { cellSearch, metricCells, statusCells } from './heat-cells.ts';

const example = (contract.jobs.get.example.reply as { job: JobShape }).job;
const job = (number: number, params: JobShape['params'], status: JobShape['status'] = 'done'): JobShape => ({ ...example, number, params, status });
const axes = { x: { name: 'lr', values: [0.1, 0.01] }, y: { name: 'opt', values: ['adam', '1'] } };

const jobs = [
  job(1, { lr: 0.1, opt: 'adam', seed: 1 }),
  job(2, { lr: 0.1, opt: 'adam', seed: 2 }, 'aborted'),
  job(3, { lr: 0.01, opt: 'adam', seed: 1 }, 'running'),
  // A number is not the text that looks like it.
  job(4, { lr: 0.1, opt: 1, seed: 1 }),
];

test('a cell says the status of its job, or counts when there are several', () => {
  const [adam, one] = statusCells(jobs, axes);
  expect(adam).toMatchObject([
    { jobs: 2, text: '1 aborted, 1 done', tone: 'aborted', heat: 0.7 },
    { jobs: 1, text: 'running', title: 'job 3, running', tone: 'running' },
  ]);
  expect(one).toMatchObject([
    { jobs: 0, text: '', tone: 'none' },
    { jobs: 0, title: 'no job' },
  ]);
});

test('a metric is a mean, the least one light and the greatest dark', () => {
  const values = new Map([
    [1, 0.5],
    [2, 0.7],
    [3, 0.9],
  ]);
  const [adam] = metricCells(jobs, axes, ({ number }) => values.get(number) ?? null);
  expect(adam).toMatchObject([
    { text: '0.6 (2)', title: 'mean 0.6 of 2 of 2 jobs', heat: 0 },
    { text: '0.9', heat: 1, tone: 'metric' },
  ]);
  expect(metricCells(jobs, axes, () => null)[0]![0]).toMatchObject({ text: '–', tone: 'none', heat: 0 });
});

test('the search of a cell keeps what is in a value together', () => {
  expect(
    cellSearch([
      ['lr', 0.1],
      ['opt', 'sgd with "momentum"'],
      ['empty', ''],
    ]),
  ).toBe('lr=0.1 opt="sgd with \\"momentum\\"" empty=""');
});
