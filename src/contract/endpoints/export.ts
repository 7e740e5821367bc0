// Jobs as a file: all that a filter names, streamed.
import * as z from 'zod';

import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { FilterFields } from '../job-filter.ts';
import { ExperimentParams, MetricName, oneOrMore } from '../schemas.ts';

export const EXPORT_FORMATS = ['csv', 'jsonl'] as const;

export const exportJobs = endpoint({
  method: 'GET',
  path: '/experiments/:experiment/export',
  summary: 'Jobs as a file, CSV or JSON lines: all that a filter names, each once, by number',
  description:
    'As CSV: `number`, `status`, a column `params.NAME` for each param of the experiment, `metrics.NAME` for each metric that is asked for, then facts of the job; a text that a spreadsheet would run as a formula gets an apostrophe before it. As JSON lines: jobs as in the list, with `metrics`. It is read while it is sent, so a job may change on the way; one that breaks off before its end was cut.',
  access: 'viewer',
  transport: 'download',
  params: ExperimentParams,
  query: z.object({
    ...FilterFields,
    format: z.enum(EXPORT_FORMATS).default('csv'),
    metric: oneOrMore(MetricName, LIMITS.latest_metrics.value).default([]).describe('whose latest values to bring along, repeated for several'),
    mark: z.enum(['true', 'false']).default('false').describe('begin a CSV with the mark that tells spreadsheets that it is UTF-8'),
  }),
  errors: ['experiment_not_found', 'too_many'],
  example: { params: { experiment: 'digits-tune' }, query: { status: 'done', metric: 'validation_accuracy' } },
});
