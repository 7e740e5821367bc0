// Matrices as they travel.
import type { contract } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Axis } from '../../core/matrix.ts';
import { Refusal } from '../../core/refusal.ts';
import { toIso } from '../../runtime/clock.ts';
import { findMatrix, listMatrices, type MatrixRecord } from '../../store/matrices.ts';
import { readMatrixStatuses } from '../../store/matrix-statuses.ts';
import { type Handlers, namedExperiment } from '../context.ts';

export const matrixHandlers: Handlers<typeof contract>['matrices'] = {
  async list({ query }, call) {
    const { store } = call.context;
    const { id } = namedExperiment(call);
    const rows = await listMatrices(store, id, { before: query.before ?? null, limit: query.limit + 1 });
    const page = rows.slice(0, query.limit);
    const statuses = await readMatrixStatuses(store, id, page);
    return {
      matrices: page.map((matrix) => ({ ...commonShape(matrix), axes: matrix.matrix.map(axisShape), statuses: statuses.get(matrix.id)! })),
      next_before: rows.length > query.limit ? page.at(-1)!.id : null,
    };
  },
  async get({ params }, call) {
    const matrix = await findMatrix(call.context.store, namedExperiment(call).id, params.matrix_id);
    if (matrix === null) throw new Refusal('not_found', `There is no matrix ${params.matrix_id} in this experiment.`);
    const { priority, max_attempts, timeout_seconds } = matrix.template;
    const spec = Object.fromEntries(matrix.matrix.map((axis) => [axis.name, axis.values])) as Record<string, never>;
    return { ...commonShape(matrix), spec, priority, max_attempts, timeout_seconds };
  },
};

function commonShape({ id, size, expanded, first_number, template, created_at, created_by }: MatrixRecord) {
  const { command, machine_class, results_dir } = template;
  return {
    ...{ id, size, expanded, command, machine_class, results_dir, created_by },
    from: first_number,
    to: first_number + size - 1,
    created_at: toIso(created_at),
  };
}

function axisShape({ name, values }: Axis) {
  return { name, count: values.length, first: values.slice(0, LIMITS.matrix_values_shown.value).map((value) => cut(JSON.stringify(value))) };
}

function cut(text: string): string {
  const most = LIMITS.matrix_value_characters.value;
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
