// Views as they travel.
import { afterEach, beforeEach, expect, it } from 'vitest';

import { LIMITS } from '../../core/limits.ts';
import { expectProblem, openTestApp, type TestApp } from '../test-app.suite.ts';

const params = { experiment: 'tune' };
const PATH = '/api/v1/experiments/tune/views';

let app: TestApp;

beforeEach(async () => {
  app = await openTestApp();
  await app.newExperiment('tune');
});
afterEach(() => app.close());

it('come back as they were saved, and once however often they are sent with one key', async () => {
  const { views } = app.client();
  const view = { status: 'done' as const, search: 'lr>0.1', sort: 'duration_ms' as const, order: 'asc' as const, columns: ['status', 'metric:val, loss'] };
  const save = () => views.create({ params, body: { name: ' Best ', view } }, { idempotency_key: 'once' });
  const saved = await save();
  expect(saved).toMatchObject({ name: 'Best', view });
  expect(await save()).toEqual(saved);
  const place = { params: { ...params, view_id: saved.id } };
  expect(await views.change({ ...place, body: { name: 'Better' } })).toMatchObject({ name: 'Better', view });
  expect(await views.change({ ...place, body: { view: {} } })).toMatchObject({ name: 'Better', view: {} });
  expect((await views.list({ params })).views).toHaveLength(1);
  expect(await views.remove(place)).toEqual({ deleted: true });
  expect((await views.list({ params })).views).toEqual([]);
});

it('are refused when they hold what no view holds', async () => {
  const refused = async (body: object): Promise<void> => void (await expectProblem(await app.send(PATH, { body }), 422, 'invalid_input'));
  await refused({ name: '  ', view: {} });
  await refused({ name: 'x'.repeat(LIMITS.name_characters.value + 1), view: {} });
  await refused({ name: 'x', view: { colour: 'red' } });
  await refused({ name: 'x', view: { sort: 'colour' } });
  await refused({ name: 'x', view: { columns: Array.from({ length: LIMITS.table_columns.value + 1 }, () => 'status') } });
  await expectProblem(await app.send(`${PATH}/9`, { method: 'DELETE' }), 404, 'not_found');
});
