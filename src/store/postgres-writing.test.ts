// The connection of PostgreSQL that writes: what is sent without waiting, and what it keeps prepared.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type ManualClock, manualClock } from '../../test/support/manual-clock.ts';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { TEST_KEY } from '../../test/support/stores.ts';

import { openPool } from './postgres.ts';
import { openStore, type Store } from './store.ts';
import type { Transaction } from './writer.ts';

describe('the writing connection of PostgreSQL', () => {
  let server: TestPostgres | null;
  let outside: ReturnType<typeof openPool>;
  let schema: string;
  let clock: ManualClock;
  let store: Store;
  const opened: Store[] = [];

  beforeAll(async () => {
    server = await startPostgres();
    if (server !== null) outside = openPool(server.url, null);
  });
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()));
    await outside?.end();
    await server?.stop();
  });
  beforeEach(async (context) => {
    if (server === null) return context.skip();
    schema = `writing_${process.pid}_${Math.floor(performance.now())}`;
    await outside.query(`create schema ${schema}`);
    clock = manualClock();
    store = await openStore({ engine: { kind: 'postgres', url: server.url, schema, clock }, directory: null, clock, key: TEST_KEY });
    opened.push(store);
  });

  const insert = `insert into setting (key, value) values (?, 'x')`;
  const send = (name: string) => async (tx: Transaction) => {
    tx.sql.send(insert, [name]);
    return name;
  };
  const sendNonsense = async (tx: Transaction): Promise<string> => {
    tx.sql.send(insert, ['mark of nonsense']);
    tx.sql.send('insert into nowhere values (1)');
    tx.sql.send(insert, ['mark behind nonsense']);
    return 'done';
  };
  const marks = async (): Promise<string[]> =>
    (await store.sql.all<{ key: string }>(`select key from setting where key like 'mark %' order by key`)).map((row) => row.key);
  const pid = (): Promise<number> => store.write(async (tx) => (await tx.sql.all<{ pid: number }>('select pg_backend_pid() as pid'))[0]!.pid);
  const names = (like: string): Promise<string[]> =>
    store.write(async (tx) =>
      (await tx.sql.all<{ name: string }>('select name from pg_prepared_statements where statement like ?', [like])).map(({ name }) => name),
    );

  describe('a write that is sent without waiting', () => {
    it('is stored with its transaction', async () => {
      expect(await store.write(send('mark alone'))).toBe('mark alone');
      expect(await Promise.all([store.write(send('mark a')), store.write(send('mark b'))])).toEqual(['mark a', 'mark b']);
      expect(await marks()).toEqual(['mark a', 'mark alone', 'mark b']);
    });

    it('and fails takes its transaction with it, and tells why', async () => {
      await expect(store.write(sendNonsense)).rejects.toThrow(/"nowhere" does not exist/);
      expect(await marks()).toEqual([]);
      await store.write(send('mark next'));
      expect(await marks()).toEqual(['mark next']);
    });

    it('is the reason that later statements of the transaction give', async () => {
      const unit = async (tx: Transaction): Promise<unknown> => {
        tx.sql.send('insert into nowhere values (1)');
        return tx.sql.all('select 1 as one');
      };
      await expect(store.write(unit)).rejects.toThrow(/"nowhere" does not exist/);
    });

    it('spoils nothing of its neighbours in the same commit', async () => {
      const results = await Promise.allSettled([store.write(send('mark before')), store.write(sendNonsense), store.write(send('mark behind'))]);
      expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await marks()).toEqual(['mark before', 'mark behind']);
    });
  });

  describe('prepared statements', () => {
    it('are those that come again', async () => {
      for (let turn = 0; turn < 3; turn += 1) await store.write(send(`mark ${turn}`));
      await store.write((tx) => tx.sql.run(`delete from setting where key = 'mark 1'`));
      expect(await names('insert into setting%')).toHaveLength(1);
      expect(await names('delete from setting%')).toEqual([]);
    });

    it('are bounded: before they are too many, the connection is renewed', async () => {
      /** Texts that never came before, `turns` times each, a hundred statements to a commit. */
      const sendTexts = async (name: string, texts: number, turns: number): Promise<void> => {
        const each = Math.floor(100 / turns);
        for (let from = 0; from < texts; from += each) {
          await store.write(async (tx) => {
            for (let text = from; text < Math.min(texts, from + each); text += 1) {
              for (let turn = 0; turn < turns; turn += 1) await tx.sql.all(`select 1 as ${name}_${text}`);
            }
          });
        }
      };
      const before = await pid();
      await sendTexts('once', 1_300, 1);
      expect(await pid()).toBe(before);
      let most = 0;
      for (let round = 0; round < 7; round += 1) {
        await sendTexts(`twice_${round}`, 50, 2);
        most = Math.max(most, (await names('%')).length);
      }
      expect(await pid()).not.toBe(before);
      expect(most).toBeGreaterThan(200);
      expect(most).toBeLessThanOrEqual(300);
    });

    it('do not outlive a change of their table for more than one failure', async () => {
      await outside.query(`create table ${schema}.probe (id bigint)`);
      const read = () => store.write((tx) => tx.sql.all('select * from probe'));
      for (let turn = 0; turn < 3; turn += 1) await read();
      await outside.query(`alter table ${schema}.probe add column name text`);
      await outside.query(`insert into ${schema}.probe values (1, 'x')`);
      await expect(read()).rejects.toThrow(/cached plan/);
      expect(await read()).toEqual([{ id: 1, name: 'x' }]);
    });

    it('are planned anew when their table has grown', async () => {
      await outside.query(`create table ${schema}.probe (id bigint primary key)`);
      await outside.query(`insert into ${schema}.probe values (1)`);
      await outside.query(`vacuum analyze ${schema}.probe`);
      const text = 'select id from probe where id = ?';
      const plan = () =>
        store.write(async (tx) => {
          const [name] = (await tx.sql.all<{ name: string }>(`select name from pg_prepared_statements where statement like 'select id from probe%'`)).map(
            (row) => row.name,
          );
          return JSON.stringify(await tx.sql.all(`explain execute ${name!}(1)`));
        });
      for (let turn = 0; turn < 10; turn += 1) await store.write((tx) => tx.sql.all(text, [turn]));
      await outside.query(`alter table ${schema}.probe set (autovacuum_enabled = false)`);
      for (let turn = 0; turn < 10; turn += 1) await store.write((tx) => tx.sql.all(text, [turn]));
      expect(await plan()).toContain('Seq Scan');
      await outside.query(`insert into ${schema}.probe select generate_series(2, 50000)`);
      expect(await plan()).toContain('Seq Scan');
      clock.advance(1_000);
      expect(await plan()).toContain('Index Only Scan');
    });
  });
});
