// Whatever the rows of a set have in common, a statement sees exactly these rows, with their types.
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { manualClock } from '../../test/support/manual-clock.ts';
import { memoryStores, postgresStores, type StoreMaker } from '../../test/support/stores.ts';

import { bindSet, type CellRow, runSet, setStatement } from './set-statement.ts';
import type { Store } from './store.ts';

const COLUMNS = { id: 'int', name: 'text', size: 'real', moment: 'int' } as const;

// Few different values, so that columns often agree; texts that look like something else.
const rows = fc.array(
  fc.tuple(
    fc.constantFrom(1, 2, 1_795_250_000_000),
    fc.constantFrom(null, '', 'x', "it's", '7', '[1]', 'ü\n'),
    fc.constantFrom(null, 0, 2.5),
    fc.constantFrom(null, 5),
  ),
  { minLength: 1, maxLength: 5 },
);

describe.each([
  ['SQLite', async () => memoryStores()],
  ['PostgreSQL', postgresStores],
] as const)('a set on %s', (_, make) => {
  let maker: StoreMaker | null;
  let store: Store;

  beforeAll(async () => {
    maker = await make();
  });
  afterAll(async () => {
    await maker?.close();
  });
  beforeEach(async (context) => {
    if (maker === null) return context.skip();
    store = await maker.open(manualClock());
  });

  test('is the rows that were given, in their order', async () => {
    const statement = setStatement(store.dialect, COLUMNS, (set) => `select v.*, cast(v.id as text) as digits from ${set} as v`);
    await fc.assert(
      fc.asyncProperty(rows, async (given: readonly CellRow[]) => {
        const { text, values } = bindSet(statement, given);
        const found = await store.write((tx) => tx.sql.all<Record<string, unknown>>(text, values));
        expect(found.map(({ id, name, size, moment, digits }) => [id, name, size, moment, digits])).toEqual(given.map((row) => [...row, String(row[0])]));
      }),
      { numRuns: 100 },
    );
  });

  test('keeps one text for each shape', () => {
    const statement = setStatement(store.dialect, COLUMNS, (set) => `select * from ${set} as v`);
    for (const size of [2, 3, 4])
      bindSet(
        statement,
        [1, 2, 3].slice(0, size).map((id) => [id, 'same', size, null]),
      );
    bindSet(statement, [[1, 'one', 1, null]]);
    expect(statement.texts.size).toBe(2);
  });

  test('of no rows is nothing to run', async () => {
    const statement = setStatement(store.dialect, COLUMNS, (set) => `delete from job where id in (select id from ${set} as v)`);
    expect(await store.write((tx) => runSet(tx.sql, statement, []))).toBe(0);
  });
});
