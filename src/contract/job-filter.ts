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
    .describe('`lr=0.01`, `lr>0.001`, `tag:best`, `-tag:best`, a worker id, or any text in a param name or value, in a tag, or in the message'),
  numbers: z.string().max(20_000).optional().describe('ranges of job numbers, e.g. 1-27,30'),
  matrix_id: z.coerce.number().int().optional(),
  held: z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]).optional(),
};

export const JobFilter = z.strictObject(FilterFields);

export const SORTS = ['number', 'created_at', 'started_at', 'finished_at', 'duration_ms', 'status', 'priority', 'worker_id', 'attempts'] as const;
