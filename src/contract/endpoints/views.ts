// Saved views: ways to look at the jobs of an experiment that somebody gave a name, for all who may see it.
import * as z from 'zod';

import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { Sort } from '../job-filter.ts';
import { ExperimentParams, Moment, Status } from '../schemas.ts';

const PATH = '/experiments/:experiment/views';

/** What is left out is as usual. */
const View = z.strictObject({
  status: Status.optional(),
  search: z.string().max(LIMITS.search_characters.value).optional().describe('as in the list of jobs'),
  matrix_id: z.int().min(1).optional().describe('only the jobs of this matrix'),
  sort: Sort.optional(),
  order: z.enum(['asc', 'desc']).optional(),
  columns: z
    .array(
      z
        .string()
        .min(1)
        .max(LIMITS.name_characters.value + 20),
    )
    .max(LIMITS.table_columns.value)
    .optional()
    .describe('columns of the table, e.g. `status`, `param:lr`, `metric:loss`'),
});

const Name = z.string().trim().min(1, 'A view needs a name.').max(LIMITS.name_characters.value);

const SavedView = z.object({
  id: z.int(),
  name: z.string(),
  view: View,
  updated_at: Moment,
  updated_by: z.string(),
});

const view = { status: 'done', search: 'lr>0.01', sort: 'duration_ms', order: 'asc', columns: ['params', 'status', 'metric:validation_accuracy'] };
const example = { id: 3, name: 'Fast and done', view, updated_at: '2026-11-21T08:30:00.000Z', updated_by: 'key:laptop' };
const params = { experiment: 'digits-tune' };
const ViewParams = ExperimentParams.extend({ view_id: z.coerce.number().int().min(1) });

export const views = {
  list: endpoint({
    method: 'GET',
    path: PATH,
    summary: 'The saved views of an experiment, by name',
    access: 'viewer',
    params: ExperimentParams,
    reply: z.object({ views: z.array(SavedView) }),
    errors: ['experiment_not_found'],
    example: { params, reply: { views: [example] } },
  }),
  create: endpoint({
    method: 'POST',
    path: PATH,
    summary: 'Save a view',
    access: 'operator',
    idempotent: true,
    params: ExperimentParams,
    body: z.strictObject({ name: Name, view: View }),
    reply: SavedView,
    success: 201,
    errors: ['experiment_not_found', 'view_exists', 'too_many'],
    example: { params, body: { name: 'Fast and done', view }, reply: example },
  }),
  change: endpoint({
    method: 'PATCH',
    path: `${PATH}/:view_id`,
    summary: 'Give a view another name, or let it show something else',
    access: 'operator',
    params: ViewParams,
    body: z.strictObject({ name: Name.optional(), view: View.optional() }),
    reply: SavedView,
    errors: ['experiment_not_found', 'not_found', 'view_exists'],
    example: { params: { ...params, view_id: 3 }, body: { name: 'Fast' }, reply: { ...example, name: 'Fast' } },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: `${PATH}/:view_id`,
    summary: 'Forget a view; the jobs stay',
    access: 'operator',
    params: ViewParams,
    reply: z.object({ deleted: z.literal(true) }),
    errors: ['experiment_not_found', 'not_found'],
    example: { params: { ...params, view_id: 3 }, reply: { deleted: true } },
  }),
};

export type JobView = z.output<typeof View>;
export type SavedViewShape = z.output<typeof SavedView>;
