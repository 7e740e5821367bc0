// Which jobs a request is about: the same words in lists, exports and bulk actions. All conditions must hold. And in which order.
import * as z from 'zod';

import { LIMITS } from '../core/limits.ts';
import { Status } from './schemas.ts';

export const FilterFields = {
  status: z
    .union([Status, z.array(Status)])
    .optional()
    .describe('one status or several'),
  search: z
    .string()
    .max(LIMITS.search_characters.value)
    .optional()
    .describe('`lr=0.01`, `lr>0.001`, `tag:best`, `-tag:best`, `is:forgotten`, a worker id, or any text in a param name or value, in a tag, or in the message'),
  numbers: z.string().max(20_000).optional().describe('ranges of job numbers, e.g. 1-27,30'),
  matrix_id: z.coerce.number().int().optional(),
  forgotten: z
    .enum(['no', 'only', 'too'])
    .optional()
    .describe('jobs that were forgotten: `no` (default) leaves them out, `only` means no others, `too` makes no difference'),
  held: z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]).optional(),
};

export const JobFilter = z.strictObject(FilterFields);

export const SORTS = ['number', 'created_at', 'started_at', 'finished_at', 'duration_ms', 'status', 'priority', 'worker_id', 'attempts', 'progress'] as const;

const MetricSort = z.templateLiteral(['metric:', z.string().min(1).max(LIMITS.name_characters.value)]);

export const Sort = z
  .union([z.enum(SORTS), MetricSort])
  .describe(
    `what the jobs are sorted by; \`metric:NAME\` by the latest value of a metric. Jobs without a value come last. Of ${LIMITS.sorted_rows.value.toLocaleString('en-US')} jobs and more only number, created_at, started_at, finished_at and duration_ms sort`,
  );

export type JobSort = z.output<typeof Sort>;
